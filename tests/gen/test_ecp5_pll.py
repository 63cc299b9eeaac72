"""Clocks that a PLL can make, within the limits of the data sheet."""

from fractions import Fraction

import pytest

from gen.ecp5_pll import pll_for
from spec.refusal import Refused

BOARD = Fraction(25)


@pytest.mark.parametrize("mhz", [Fraction(25, 8), 5, 25, 50, Fraction(125, 2), 80, 100, 105, 110, 400])
def test_the_clock_is_exact_and_the_oscillator_within_its_range(mhz):
    pll = pll_for(BOARD, Fraction(mhz))
    assert BOARD * pll.feedback / pll.reference == mhz
    assert 400 <= mhz * pll.output <= 800
    assert Fraction(25, 8) <= BOARD / pll.reference <= 400
    assert all(1 <= divider <= 128 for divider in (pll.reference, pll.feedback, pll.output))


@pytest.mark.parametrize("mhz", [1, Fraction(101, 2), 801, 49])
def test_what_no_pll_makes_is_refused(mhz):
    with pytest.raises(Refused, match=r"No PLL makes [\d.]+ MHz of 25 MHz exactly; choose, .*a multiple of 5"):
        pll_for(BOARD, Fraction(mhz))

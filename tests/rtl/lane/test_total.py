"""The adder of the psums: either number, with a carry, modulo its width."""

import itertools
import random

import pytest

from rtl.lane.total import TOTAL_MODULE, Total
from spec.numerics import ACC_BITS, RING_WIDTHS


@pytest.mark.parametrize("bits", [16, 19, ACC_BITS, RING_WIDTHS.acc])
def test_extremes_and_some(simulate, bits):
    dut, rng, half = Total(bits), random.Random(bits), 1 << bits - 1
    cases = [*itertools.product((0, -1, -half, half - 1), repeat=3)]
    cases += [[rng.randrange(-half, half) for _ in range(3)] for _ in range(99)]

    async def testbench(ctx):
        for (number, first, second), choose, carry in itertools.product(cases, range(2), range(2)):
            ports = {"sum": number, "first": first, "second": second, "choose": choose, "carry": carry}
            for port, value in ports.items():
                ctx.set(getattr(dut, port), value)
            wanted = number + (first if choose else second) + carry
            assert ctx.get(dut.total) == (wanted + half) % (2 * half) - half

    simulate(dut, testbench)


def test_it_is_a_module_of_its_own_unless_it_is_to_be_none():
    assert Total(19).module == TOTAL_MODULE
    assert not Total(RING_WIDTHS.acc, "").module

"""The phase-locked loop of an ECP5: which dividers make one clock from another.

Ref: Lattice FPGA-DS-02012, ECP5 and ECP5-5G Family Data Sheet, sysCLOCK PLL timing;
     FPGA-TN-02200, ECP5 and ECP5-5G sysCLOCK PLL/DLL Design and Usage Guide.
"""

from dataclasses import dataclass
from fractions import Fraction

from spec.refusal import Refused

__all__ = ["Pll", "pll_for"]

_DETECTOR_MHZ = (Fraction(25, 8), 400)  # at the phase detector
_OSCILLATOR_MHZ = (400, 800)
_DIVIDERS = range(1, 129)


@dataclass(frozen=True)
class Pll:
    """``f_out = f_in * feedback / reference``; the oscillator runs at ``f_out * output``.

    Parameters
    ----------
    reference, feedback, output : int
        CLKI_DIV, CLKFB_DIV, CLKOP_DIV of an EHXPLLL whose feedback is its output CLKOP.
    """

    reference: int
    feedback: int
    output: int


def pll_for(input_mhz: Fraction, output_mhz: Fraction) -> Pll:
    """The dividers that make ``output_mhz`` of ``input_mhz`` exactly, with the slowest oscillator that runs.

    Raises
    ------
    Refused
        If no dividers do.
    """
    for reference in _DIVIDERS:
        feedback = output_mhz * reference / input_mhz
        detector = input_mhz / reference
        if feedback not in _DIVIDERS or not _DETECTOR_MHZ[0] <= detector <= _DETECTOR_MHZ[1]:
            continue
        for output in _DIVIDERS:
            if _OSCILLATOR_MHZ[0] <= output_mhz * output <= _OSCILLATOR_MHZ[1]:
                return Pll(reference, int(feedback), output)
    raise Refused(
        f"No PLL makes {float(output_mhz):g} MHz of {float(input_mhz):g} MHz exactly; choose, for instance, a "
        f"multiple of {float(input_mhz) / 5:g} MHz"
    )

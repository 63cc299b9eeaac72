"""The parts of the ECP5 family: what each has, and how many block RAMs a build's memories are.

Ref: Lattice FPGA-DS-02012, ECP5 and ECP5-5G Family Data Sheet; the counts are those of nextpnr's device database.
"""

from dataclasses import dataclass

from spec.config import AcceleratorConfig

__all__ = ["ECP5_PARTS", "RAM_BITS", "Ecp5Part", "slices"]

RAM_BITS = 18_432  #: Bits of a block RAM.

_SLICE_WORDS, _SLICE_BITS = 512, 36


@dataclass(frozen=True)
class Ecp5Part:
    """A part.

    Parameters
    ----------
    device : str
        Its name without speed grade and package.
    option : str
        What nextpnr-ecp5 calls it.
    lut, bram, dsp : int
        LUT4 (and as many flip-flops), block RAMs, multipliers of 18 x 18 bits.
    """

    device: str
    option: str
    lut: int
    bram: int
    dsp: int

    @property
    def capacity(self) -> dict[str, int]:
        """What the part has of each resource."""
        return {"lut": self.lut, "ff": self.lut, "bram": self.bram, "dsp": self.dsp}


#: By the names that people give them. A 12F is a 25F that promises less.
ECP5_PARTS = {
    "12F": Ecp5Part("LFE5U-12F", "--12k", 24_288, 56, 28),
    "25F": Ecp5Part("LFE5U-25F", "--25k", 24_288, 56, 28),
    "45F": Ecp5Part("LFE5U-45F", "--45k", 43_848, 108, 72),
    "85F": Ecp5Part("LFE5U-85F", "--85k", 83_640, 208, 156),
}


def slices(config: AcceleratorConfig) -> int:
    """Block RAMs that the memories take if each is cut into slices of 512 words of 36 bits."""
    memories = (
        (config.x_words, 8 * config.word_bytes, config.lanes), (config.t_words, 8 * config.word_bytes, config.lanes),
        (config.mask_words, config.mask_word_bits, 1),
        (config.entry_rows * config.rows_per_requantizer, 32 * config.requantizers, 1),
        (config.commands, 512, 1), (config.ring_words, 32, config.ring_copies),
        (config.psum_depth, config.widths.acc * config.rows, config.lanes),
        (config.results_depth, config.widths.acc * config.rows, config.lanes),
    )
    return sum(-(-words // _SLICE_WORDS) * -(-bits // _SLICE_BITS) * copies for words, bits, copies in memories)

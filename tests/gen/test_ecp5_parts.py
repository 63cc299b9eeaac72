"""The parts, and the block RAMs of a build's memories."""

import pytest

from gen.ecp5_parts import ECP5_PARTS, slices
from spec.config import config_for


@pytest.mark.parametrize(("name", "device", "lut", "bram", "dsp"), [
    ("12F", "LFE5U-12F", 24_288, 56, 28), ("25F", "LFE5U-25F", 24_288, 56, 28), ("45F", "LFE5U-45F", 43_848, 108, 72),
    ("85F", "LFE5U-85F", 83_640, 208, 156),
])
def test_parts(name, device, lut, bram, dsp):
    """By nextpnr, which says what a part has when it has packed a design."""
    part = ECP5_PARTS[name]
    assert (part.device, part.option) == (device, f"--{name[:2]}k")
    assert part.capacity == {"lut": lut, "ff": lut, "bram": bram, "dsp": dsp}


def test_slices():
    """16 PEs have words of 16 bytes: four slices of 36 bits; a command has 512 bits, fifteen slices."""
    sizes = {"x_bytes": 8192, "t_bytes": 8192, "mask_bits": 16384, "entries": 512, "commands": 32}
    config = config_for(16, **sizes)
    assert slices(config_for(16, **sizes | {"x_bytes": 8192 + 16})) - slices(config) == 4
    assert slices(config_for(16, **sizes | {"commands": 513})) - slices(config) == 15
    shared = config_for(16, **sizes, rows_per_requantizer=2)
    assert shared.results_depth > 0
    assert slices(shared) - slices(config) == 3 - 2  # sums of four rows wait; entries are twice as deep, half as wide

"""What does not fit: how much too much, and what to do."""

import pytest

from flows.synth.fit import check_fit, largest_fitting
from flows.synth.targets import TARGETS

ECP5, ICE40 = TARGETS["ecp5"], TARGETS["ice40"]


def test_what_fits_to_the_last_cell_fits():
    assert check_fit(ECP5, dict(ECP5.capacity), 64) is None


def test_too_many_luts_name_the_largest_build_that_fits():
    sentence = check_fit(ECP5, {"lut": 200_000, "ff": 90_000, "bram": 20, "dsp": 128}, 1024)
    assert sentence == (
        "1024 PEs do not fit LFE5U-85F, speed grade 6, CABGA756: they need 200,000 LUT of 83,640 (116,360 too many), "
        "90,000 FF of 83,640 (6,360 too many); the largest --pe that fits is about 256, scaling LUT and FF of this "
        "build in proportion"
    )


def test_too_many_block_rams_name_the_memories():
    sentence = check_fit(ICE40, {"lut": 7680, "ff": 10, "bram": 33, "dsp": 0}, 16)
    assert "they need 33 block RAM of 32 (1 too many); make the memories smaller with --x-bytes" in sentence
    assert "--pe" not in sentence


def test_what_no_named_size_fits_is_said():
    assert "no named --pe fits iCE40HX8K, CT256" in check_fit(ICE40, {"lut": 7681}, 16)


@pytest.mark.parametrize(("used", "pe", "largest"), [
    ({"lut": 4 * 83_640}, 1024, 256), ({"lut": 4 * 83_640 + 1}, 1024, 128), ({"dsp": 157}, 4096, 2048),
])
def test_largest(used, pe, largest):
    assert largest_fitting(ECP5, used, pe) == largest

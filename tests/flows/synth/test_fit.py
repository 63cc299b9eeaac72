"""What does not fit: how much too much, and what to do."""

import pytest

from flows.synth.fit import check_fit, largest_fitting
from flows.tools.targets import TARGETS

ECP5, ICE40 = TARGETS["ecp5"], TARGETS["ice40"]


def test_what_fits_to_the_last_cell_fits():
    assert check_fit(ECP5, {"lane.array": {"lut": 83_000}, "engine": dict(ECP5.capacity, lut=640)}, 64) is None


def test_too_many_luts_name_the_largest_build_that_fits():
    parts = {"lane.array": {"lut": 200_000, "ff": 90_000, "bram": 20, "dsp": 128}}
    assert check_fit(ECP5, parts, 1024) == (
        "1024 PEs do not fit LFE5U-85F, speed grade 6, CABGA756: they need 200,000 LUT of 83,640 (116,360 too many), "
        "90,000 FF of 83,640 (6,360 too many); the largest --pe that fits is about 256, with LUT and FF of its arrays "
        "in proportion to this build's"
    )


def test_too_many_block_rams_name_the_memories():
    sentence = check_fit(ICE40, {"lane.x": {"lut": 7680, "ff": 10, "bram": 33}}, 16)
    assert sentence == (
        "16 PEs do not fit iCE40HX8K, CT256: they need 33 block RAM of 32 (1 too many); make the memories smaller with "
        "--x-bytes, --t-bytes, --mask-bits and --entries"
    )


def test_where_no_size_fits_smaller_memories_are_no_remedy():
    sentence = check_fit(ICE40, {"lane.x": {"lut": 7681, "bram": 33}}, 16)
    assert sentence.endswith("1 too many); no --pe fits, because 16 is the smallest; take a larger part with --target")
    assert "; no named --pe fits, with LUT of its arrays" in check_fit(ICE40, {"engine": {"lut": 7681}}, 32)


def test_both_remedies():
    sentence = check_fit(ICE40, {"lane.x": {"lut": 2 * 7680, "bram": 33}}, 32)
    assert "largest --pe that fits is about 16, with LUT of its arrays" in sentence
    assert sentence.endswith("make the memories smaller with --x-bytes, --t-bytes, --mask-bits and --entries")


@pytest.mark.parametrize(("parts", "pe", "largest"), [
    ({"lane.array": {"lut": 4 * 83_640}}, 1024, 256),
    ({"lane.array": {"lut": 4 * 83_640 + 1}}, 1024, 128),
    ({"weights.signs": {"lut": 4 * 83_640 - 4}, "engine": {"lut": 1}}, 1024, 256),
    ({"weights.signs": {"lut": 4 * 83_640 - 4}, "host.registers": {"lut": 2}}, 1024, 128),
    ({"lane.requantizers": {"dsp": 157}}, 4096, 2048),
    ({"engine": {"lut": 83_641}}, 4096, None),
])
def test_largest(parts, pe, largest):
    assert largest_fitting(ECP5, parts, pe) == largest

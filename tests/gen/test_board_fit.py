"""What a part cannot hold is refused, what it may is not, and every remedy works."""

import re
from pathlib import Path

import pytest

import flows.sweep
from console.command import CommandParser
from flows.sweep.area import read_runs
from gen.board_fit import check_board, luts_at_least
from gen.boards import BOARDS
from gen.ecp5_parts import ECP5_PARTS, slices
from gen.ecp5_tools import requantizer_dsps
from gen.options import add_build_options, config_from
from spec.config import config_for
from spec.refusal import Refused

SMALL = ["--x-bytes", "4096", "--t-bytes", "4096", "--mask-bits", "65536", "--entries", "1024"]


def config_of(options):
    parser = CommandParser(prog="test")
    add_build_options(parser, fit=False)
    return config_from(parser.parse_args(options))


def test_no_build_that_was_synthesized_took_fewer_luts_and_none_other_multipliers():
    """Of multipliers, so many as its products take, and its shifters as far as an 85F has them."""
    runs = read_runs(Path(flows.sweep.__file__).with_name("runs.json"))
    for config, counts in ((run["config"], run["resources"]) for run in runs):
        assert counts["lut"] / 4 < luts_at_least(config.pe) < counts["lut"]
        each = requantizer_dsps(config, ECP5_PARTS["85F"].dsp)
        assert counts["dsp"] == each * config.requantizers * config.lanes


@pytest.mark.parametrize(("board", "pe"), [
    ("ulx3s-12f", 512), ("ulx3s-25f", 512), ("colorlight-5a-75b", 512), ("ulx3s-45f", 1024), ("ulx3s-85f", 2048),
])
def test_the_largest_build_for_each(board, pe):
    shared = ["--rows-per-requantizer", "4"]
    check_board(config_of(["--pe", str(pe), *shared, *SMALL]), BOARDS[board])
    with pytest.raises(Refused, match=f"choose at most --pe {pe}$"):
        check_board(config_of(["--pe", str(2 * pe), *shared, *SMALL]), BOARDS[board])


@pytest.mark.parametrize("options", [
    [],
    ["--x-bytes", "1048576"],
    ["--pe", "32", "--psum-depth", "1023", "--ring-words", "65536", "--features", "masks,ring"],
    ["--pe", "64"],
    ["--pe", "256"],
    ["--pe", "64", "--groups", "4", "--rows", "4", "--lanes", "4", "--rows-per-requantizer", "2"],
])
@pytest.mark.parametrize("board", ["ulx3s-25f", "ulx3s-85f"])
def test_remedies_work(options, board):
    """One after another, until nothing is refused."""
    for _ in range(3):
        try:
            check_board(config_of(options), BOARDS[board])
            break
        except Refused as refusal:
            remedies = re.findall(r"--[a-z-]+ \d+", str(refusal))
            assert remedies
            options = [*options, *" ".join(remedies).split()]
    else:
        pytest.fail(f"still refused: {options}")


def test_memories_of_the_remedy_are_whole_block_rams():
    """The usual memories, too large for a 25F, are cut down to what it has and not much further."""
    with pytest.raises(Refused) as refused:
        check_board(config_of([]), BOARDS["ulx3s-25f"])
    options = re.findall(r"--[a-z-]+ \d+", str(refused.value))
    assert 56 / 2 < slices(config_of(" ".join(options).split())) <= 56


def test_the_last_that_fits_and_the_first_that_does_not():
    """By multipliers, 28 of which a 25F has, and by bits of block RAM."""
    board = BOARDS["ulx3s-25f"]
    with pytest.raises(Refused, match=r"takes 32 multipliers, but the ULX3S-25F has 28; .* --rows-per-requantizer 2$"):
        check_board(config_of(["--pe", "64", *SMALL]), board)
    check_board(config_of(["--pe", "64", "--groups", "8", "--rows", "8", *SMALL]), board)
    small = config_for(16, x_bytes=4096, t_bytes=4096, entries=1024)
    rest = sum(small.memory_bits.values()) - small.mask_bits
    mask = (56 * 18_432 - rest) // small.mask_word_bits * small.mask_word_bits
    fits = {"x_bytes": 4096, "t_bytes": 4096, "entries": 1024}
    check_board(config_for(16, **fits, mask_bits=mask), board)
    with pytest.raises(Refused, match="in block RAM"):
        check_board(config_for(16, **fits, mask_bits=mask + small.mask_word_bits), board)

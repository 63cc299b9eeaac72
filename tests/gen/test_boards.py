"""Every board is what its platform in amaranth-boards says it is."""

import contextlib
import re
import sys
from types import SimpleNamespace

import pytest
from amaranth.build import Pins, ResourceError

from gen.boards import BOARDS
from spec.refusal import Refused

each = pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)


@each
def test_the_part_is_that_of_the_platform(board):
    platform = board.new_platform()
    assert board.fpga.device == platform.device
    package = platform._nextpnr_package_options[platform.package].upper()
    device = platform._nextpnr_device_options[platform.device]
    assert board.nextpnr_options[:5] == (device, "--package", package, "--speed", platform.speed)
    assert (board.package, board.speed) == (package, platform.speed)


@each
def test_the_clock_is_that_of_the_platform(board):
    platform = board.new_platform()
    assert board.clock == platform.default_clk
    resource = platform.resources[board.clock, 0]
    assert resource.clock.frequency == board.clock_mhz * 1_000_000


@each
def test_the_line_has_both_directions(board):
    resource = board.new_platform().resources[board.uart, 0]
    directions = {part.name: part.ios[0].dir for part in resource.ios}
    assert (directions["rx"], directions["tx"]) == ("i", "o")


@each
def test_lamps_and_button_are_all_that_the_line_leaves(board):
    platform = board.new_platform()
    platform.request(board.uart, dir="-")
    lamps = 0
    with contextlib.suppress(ResourceError):
        while True:
            platform.request("led", lamps, dir="-")
            lamps += 1
    assert len(board.lamps) == lamps
    assert set(board.lamps) <= {"idle", "busy", "failed", "running", ""}
    if board.reset is not None:
        assert isinstance(platform.resources[board.reset, 0].ios[0], Pins)
    else:
        with pytest.raises(ResourceError, match="already used by"):
            platform.request("button", 0, dir="-")


@each
def test_the_loader_is_that_of_the_platform(board, monkeypatch):
    platform, called = board.new_platform(), []
    monkeypatch.delenv("OPENFPGALOADER", raising=False)
    monkeypatch.setattr("subprocess.check_call", called.append)
    products = SimpleNamespace(extract=contextlib.nullcontext)
    platform.toolchain_program(products, "board")
    assert called == [[*board.loader.split(), "board.bit"]]


def test_names_say_the_part_and_are_unique():
    assert next(iter(BOARDS)) == "ulx3s-85f"
    assert {"ulx3s-12f", "ulx3s-25f", "ulx3s-45f", "ulx3s-85f", "colorlight-5a-75b"} == set(BOARDS)
    for name, board in BOARDS.items():
        assert board.name == name
        assert re.fullmatch("[a-z0-9-]+", name)
        if name.startswith("ulx3s"):
            assert name.endswith(board.fpga_name.lower())
            assert board.title.endswith(board.fpga_name)


@each
def test_a_missing_package_is_refused(board, monkeypatch):
    monkeypatch.setitem(sys.modules, f"amaranth_boards.{board.platform[0]}", None)
    with pytest.raises(Refused, match=r"needs the Python package amaranth-boards.*pip install 'foldenite\[board\]'"):
        board.new_platform()

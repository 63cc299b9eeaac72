"""What `python -m gen.board` writes, and what it refuses before it writes anything."""

import json
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from gen.board import divider_for, main
from gen.boards import BOARDS
from spec.config import config_for
from spec.refusal import Refused

#: Just enough for the part of the smallest board.
SMALL = ["--x-bytes", "512", "--t-bytes", "512", "--mask-bits", "1024", "--entries", "64", "--commands", "8"]
NAMES = {"foldenite_serial.v", "techmap.v", "board.v", "board.lpf", "board.ys", "build.sh", "config.json"}


def names(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize("board", ["colorlight-5a-75b", pytest.param("ulx3s-12f", marks=pytest.mark.slow)])
def test_files(tmp_path, capsys, monkeypatch, board):
    monkeypatch.chdir(tmp_path)
    out = Path("build", f"{board}-pe16")
    assert main([*SMALL, "--board", board, "--clock-mhz", "62.5", "--baud", "1250000"]) == 0
    assert names(out) == NAMES
    assert {f"wrote {out / name}" for name in NAMES} == set(capsys.readouterr().out.splitlines())
    data = json.loads((out / "config.json").read_text())
    config = config_for(16, x_bytes=512, t_bytes=512, mask_bits=1024, entries=64, commands=8)
    assert (data["hash"], data["divider"], data["clock_mhz"]) == (f"{config.hash:08x}", 50, 62.5)
    assert data["board"] == board
    assert shlex.join(BOARDS[board].nextpnr_options) in (out / "build.sh").read_text()
    assert f"{BOARDS[board].loader} board.bit" in (out / "build.sh").read_text()
    texts = "".join((out / name).read_text() for name in NAMES)
    assert BOARDS[board].title in texts
    assert ("ulx3s" in texts.lower()) == board.startswith("ulx3s")
    selectors = re.search(r"^module (\w+)", (out / "techmap.v").read_text(), re.MULTILINE)[1]
    assert re.search(rf"^ +{selectors} \S+ +\(", (out / "foldenite_serial.v").read_text(), re.MULTILINE)
    assert "techmap -autoproc -map techmap.v\n" in (out / "board.ys").read_text()


def test_the_script_is_one_and_says_what_failed(tmp_path, capsys):
    """On a path with a space in it, with tools that fail, it fails and tells where."""
    out, tools = tmp_path / "my out", tmp_path / "tools"
    main([*SMALL, "--out", str(out), "--json"])
    assert {str(out / name) for name in NAMES} == set(json.loads(capsys.readouterr().out)["files"])
    tools.mkdir()
    (tools / "yosys").write_text("#!/bin/sh\necho called with $1 $2\n[ $2 = board.ys ]\n")
    (tools / "nextpnr-ecp5").write_text("#!/bin/sh\necho timing not met\nexit 1\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    ran = subprocess.run(
        ["/bin/sh", str(out / "build.sh")], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": f"{tools}:/usr/bin:/bin"},
    )
    assert ran.returncode == 1
    assert "called with -s board.ys" in (out / "yosys.log").read_text()
    assert ran.stdout.splitlines()[-2:] == ["timing not met", f"failed; all of it is in {out / 'nextpnr.log'}"]


@pytest.mark.parametrize(("clock", "baud", "divider"), [(50, 1_000_000, 50), (80, 3_000_000, 27), (25, 115_200, 217)])
def test_dividers(clock, baud, divider):
    assert divider_for(Fraction(clock), baud) == divider


@pytest.mark.parametrize(("options", "sentence"), [
    (["--board", "ulx3s"], f"--board must be one of {', '.join(BOARDS)}, not 'ulx3s'"),
    (["--pe", "4096"], "A build of 4096 PEs takes 158,148 LUTs or more, but the ULX3S-85F has 83,640; choose at most"),
    (["--board", "ulx3s-25f", "--pe", "1024"], "but the ULX3S-25F has 24,288; choose at most --pe 512"),
    (["--board", "ulx3s-12f"], "but the ULX3S-12F has 1,032,192 in block RAM; make them smaller, for instance with --"),
    (["--x-bytes", "1048576"], "but the ULX3S-85F has 3,833,856 in block RAM; make them smaller"),
    (["--clock-mhz", "1e999999999"], "must be a number above 0 and at most 400, not '1e999999999'"),
    (["--clock-mhz", "1/0"], "must be a number above 0 and at most 400"),
    (["--baud", "0"], "--baud must be from 1 to"),
    (["--baud", "3000000"], "A clock of 50 MHz has 16.67 cycles per bit at 3000000 baud, which is no whole number"),
    (["--baud", "25000000"], "A clock of 50 MHz has 2 cycles per bit at 25000000 baud, which is no whole number"),
    (["--clock-mhz", "0"], "--clock-mhz must be a number above 0 and at most 400, not '0'"),
    (["--clock-mhz", "fast"], "--clock-mhz must be a number above 0 and at most 400, not 'fast'"),
    (["--clock-mhz", "49"], "No PLL makes 49 MHz of 25 MHz exactly"),
    (["--out", "FILE"], "is a file; give a folder with --out"),
    (["--pe", "17"], "There is no named shape of 17 PEs"),
])
def test_refusals_write_nothing(tmp_path, monkeypatch, options, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("")
    with pytest.raises(Refused, match=sentence):
        main(["--out", "out", *options])
    assert names(tmp_path) == {"FILE"}


def test_a_missing_package_is_refused(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "amaranth_boards.ulx3s", None)
    with pytest.raises(Refused, match=r"needs the Python package amaranth-boards.*pip install 'foldenite\[board\]'"):
        main(["--out", str(tmp_path / "out")])
    assert names(tmp_path) == set()

"""Verilator's lint has nothing to say about a build, but for what its waiver file allows with a reason."""

import subprocess

import pytest

from gen.verilog import accelerator_verilog, waivers
from sim.verilator import environment
from spec.config import config_for

SMALL = {"x_bytes": 2048, "t_bytes": 2048, "mask_bits": 8192, "entries": 512}
CONFIGS = {"masks": config_for(16, **SMALL), "rings in lanes": config_for(64, groups=8, rows=4, lanes=2, ring_words=64)}


def warnings(text, folder, top, waived):
    """What the lint says."""
    files = {f"{top}.v": text} | ({f"{top}.vlt": waived} if waived else {})
    for name, content in files.items():
        (folder / name).write_text(content)
    command = ["verilator", "--lint-only", "-Wall", "--top-module", top, *reversed(files)]
    result = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    found = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("%")]
    assert result.returncode == 0 or found, result.stderr
    return found


@pytest.mark.parametrize("kind", CONFIGS)
def test_there_are_no_warnings(kind, tmp_path):
    assert warnings(accelerator_verilog(CONFIGS[kind], top="design"), tmp_path, "design", waivers("design")) == []


def test_every_waiver_is_needed(tmp_path):
    """Without them the lint objects to what they allow, and to nothing else: it looks."""
    text, lines = accelerator_verilog(CONFIGS["masks"]), waivers().splitlines(keepends=True)
    found = warnings(text, tmp_path, "foldenite", None)
    assert {line.split(":")[0] for line in found} == {"%Warning-DECLFILENAME", "%Warning-UNUSEDSIGNAL", "%Error"}
    allowing = [line for line in lines if not line.startswith("//")][1:]
    for line in allowing:
        fewer = "".join(other for other in lines if other != line)
        assert warnings(text, tmp_path, "foldenite", fewer), f"Nothing needs {line}"


def test_names_for_waveforms_are_not_for_linters(tmp_path):
    text = accelerator_verilog(CONFIGS["masks"], all_names=True)
    assert any("UNUSEDSIGNAL" in line for line in warnings(text, tmp_path, "foldenite", waivers()))

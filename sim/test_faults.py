"""Wrong accelerators: `python -m sim.run --debug` finds each, and says where it went wrong first.

``faults.toml`` holds them as data: a file of the design, a snippet that occurs in it once, what to put in its place,
and what the diagnosis must be. The golden model stays right; every fault is in what the accelerator is or is sent.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from vcdvcd import VCDVCD

from spec import model as model_file
from spec.files import build_root
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

ROOT = Path(__file__).resolve().parents[1]
FAULTS = tomllib.loads(Path(__file__).with_name("faults.toml").read_text())

#: Run by default: one that needs no Verilog of its own. The others take up to a minute each.
QUICK = ("wrong-entry-of-one-iteration",)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    network = residual_network(
        "faulty", image=(9, 9, 3), classes=10, widths=(8, 20), iterations=(3, 0), mode=Mode.ANY, seed=7
    )
    return model_file.save(synthetic_model(network, 2), tmp_path_factory.mktemp("faults") / "faulty.safetensors")


def faulty_tree(folder, fault):
    """A copy of the design with ``fault`` in it. Where the Verilog is the right one, so are its simulations."""
    for room in ("spec", "rtl", "gen", "sim"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / fault["file"]
    file.write_text(file.read_text().replace(fault["original"], fault["mutated"].removeprefix("\n")))
    (folder / "build").mkdir()
    if not fault["file"].startswith("rtl/"):
        simulations = build_root() / "verilator"
        simulations.mkdir(parents=True, exist_ok=True)
        (folder / "build" / "verilator").symlink_to(simulations)
    return folder


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_changes_one_place(fault):
    assert (ROOT / fault["file"]).read_text().count(fault["original"]) == 1
    assert fault["mutated"] != fault["original"]


@pytest.mark.parametrize(
    "name", [
        pytest.param(name, marks=pytest.mark.xdist_group("waves") if name in QUICK else pytest.mark.slow)
        for name in FAULTS
    ]
)
def test_the_fault_is_found_where_it_is(model, tmp_path, name):
    fault = FAULTS[name]
    tree, out = faulty_tree(tmp_path / "tree", fault), tmp_path / "out"
    environment = os.environ | {
        "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "FOLDENITE_BUILD": str(tree / "build"),
        "CCACHE_DIR": str(build_root() / "ccache"),
    }
    command = [sys.executable, "-m", "sim.run", str(model), "--pe", "16", "--images", "1", "--debug", "--out", str(out)]
    result = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "first divergence: layer " in result.stdout
    found = json.loads((out / "divergence.json").read_text())
    expected = dict(fault["expected"])
    finding = expected.pop("finding")
    if "visit" in expected:
        expected["visit"] = {"pixel": None, "plane": None} | expected["visit"]
    assert {key: found[key] for key in expected} == expected
    assert any(finding in text for text in found["findings"]), found["findings"]

    waveform = VCDVCD(str(out / "mismatch.vcd"))
    cycle = next(name for name in waveform.signals if name.startswith("testbench.cycle"))
    started = next(name for name in waveform.signals if name.startswith("testbench.started"))
    values = [int(value, 2) for _, value in waveform[cycle].tv]
    assert len(values) == 200
    start = int(waveform[started].tv[-1][1], 2)
    assert values[100] - start == found["cycle"]

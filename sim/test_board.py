"""`python -m sim.board` from model file to verdict, over a pseudo-terminal: its other end are the pins in Verilator."""

import json
import threading
import time

import numpy as np
import pytest

from gen.board import BAUD
from sim import board
from sim.board import main
from sim.builds import serial_simulation_of
from sim.job import Job
from sim.test_serial_line import CONFIG, DIVIDER
from spec import golden, model, vectors
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network

pytestmark = pytest.mark.xdist_group("serial")
BUILD = ["--mask-bits", str(CONFIG.mask_bits)]


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Nothing is lost on this line: however slow the simulator is, no request is sent twice or given up."""
    monkeypatch.setattr(board, "_READ_SECONDS", None)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Path of a terminal behind which an accelerator is simulated."""
    folder = tmp_path_factory.mktemp("served")
    simulation = serial_simulation_of(CONFIG, DIVIDER)
    job = Job(CONFIG).save(folder / "job.json")
    arguments = {"tests": ["serve"], "plusargs": {"job": job, "divider": DIVIDER}}
    thread = threading.Thread(target=simulation.run, args=("sim.bench.serial_line", folder), kwargs=arguments)
    thread.start()
    while not (folder / "port").exists():
        assert thread.is_alive(), f"the simulation ended; see {folder / 'log.txt'}"
        time.sleep(0.05)
    yield (folder / "port").read_text()
    (folder / "stop").touch()
    thread.join()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model file with vectors beside it, whose labels are right for one image of two."""
    path = tmp_path_factory.mktemp("model")
    network = residual_network("tiny", image=(4, 4, 1), classes=3, widths=(4,), iterations=(2,), mode=Mode.ONE_OF_FOUR)
    made = synthetic_model(network, seed=4)
    model.save(made, path / "tiny.safetensors")
    images = random_images(network, 2, seed=1)
    trace = golden.run(made, images)
    labels = trace.classes + np.array([0, 1])
    vectors.save(path / "tiny.vectors.safetensors", made, vectors.Vectors(images, labels, trace))
    return path


def test_everything_agrees(folder, port, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["--port", port, str(folder / "tiny.safetensors"), "--images", "2", "--out", str(out), *BUILD]
    assert main(command) == 0
    assert f"wrote {out / 'report.json'}" in capsys.readouterr().out
    data = json.loads((out / "report.json").read_text())
    assert (data["images"], data["mismatch"], data["cycles_compared"], data["baud"]) == (2, None, True, BAUD)
    assert (data["labelled_images"], data["correct_images"]) == (2, 1)
    assert data["cycles_measured"] == [data["cycles_predicted"]] * 2
    assert data["references"] == ["golden model", "torch"]
    assert data["values_compared"] > 2 * 2 * 4 * 4 * 4  # more than one map of each image, twice


def test_another_build_is_refused(folder, port):
    with pytest.raises(Refused, match=f"Accelerator is build {CONFIG.hash:#010x}, not"):
        main(["--port", port, str(folder / "tiny.safetensors")])


def test_a_wrong_vector_is_a_mismatch(folder, port, tmp_path, capsys):
    made = model.load(folder / "tiny.safetensors")
    right = vectors.load(folder / "tiny.vectors.safetensors", made)
    right.trace.logits[1, 2] += 1
    vectors.save(tmp_path / "wrong.safetensors", made, right)
    command = ["--port", port, str(folder / "tiny.safetensors"), "--images", "2", "--out", str(tmp_path), *BUILD]
    assert main([*command, "--vectors", str(tmp_path / "wrong.safetensors")]) == 1
    got = right.trace.logits[1, 2] - 1
    said = capsys.readouterr().out.replace("\n", " ")
    assert "MISMATCH: image 1 layer" in said
    assert f"(class 2): expected {got + 1} (torch), got {got}" in said

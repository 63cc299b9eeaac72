"""`python -m sim.run` from model file to verdict, on the Verilog."""

import dataclasses
import json

import numpy as np
import pytest
from vcdvcd import VCDVCD

from gen.compile import compile_model
from rtl.base.parts import LANE
from sim.run import main
from spec import golden, vectors
from spec import model as model_file
from spec.config import config_for
from spec.golden import Stored, Trace
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model file with vectors beside it, whose labels are right for two images of three."""
    path = tmp_path_factory.mktemp("model")
    network = residual_network(
        "tiny", image=(5, 6, 3), classes=10, widths=(8, 12), iterations=(2, 0), mode=Mode.TWO_OF_FOUR
    )
    model = synthetic_model(network, seed=4)
    model_file.save(model, path / "tiny.safetensors")
    images = random_images(network, 3, seed=1)
    trace = golden.run(model, images)
    labels = trace.classes - np.array([0, 1, 0])
    vectors.save(path / "tiny.vectors.safetensors", model, vectors.Vectors(images, labels, trace))
    return path


#: Options of a build of two lanes: the one of test_accelerator.
TWO_LANES = ["--pe", "32", "--lanes", "2", "--features", "masks,ring", "--ring-words", "2048", "--mask-bits", "7168",
             "--rows-per-requantizer", "2"]


@pytest.mark.parametrize(("build", "inferences", "stall"), [
    pytest.param([], 3, "0", marks=pytest.mark.xdist_group("pe16")),
    pytest.param([], 3, "0.4", marks=pytest.mark.xdist_group("pe16")),
    pytest.param(TWO_LANES, 2, "0", marks=pytest.mark.xdist_group("4x4x2")),
])
def test_everything_agrees(folder, tmp_path, capsys, build, inferences, stall):
    """Three images one by one; and in two lanes, the last image alone."""
    report = tmp_path / "report.json"
    command = [str(folder / "tiny.safetensors"), "--images", "3", "--out", str(tmp_path)]
    assert main([*command, *build, "--stall", stall]) == 0
    data = json.loads(report.read_text())
    assert (data["images"], data["correct_images"], data["mismatches"]) == (3, 2, 0)
    assert data["inferences"] == inferences
    assert data["references"] == ["golden model", "torch"]
    if stall == "0":
        assert data["cycles_per_image_measured"] == data["cycles_per_image_predicted"]
    else:
        assert data["cycles_per_image_measured"] > data["cycles_per_image_predicted"]
    output = capsys.readouterr().out
    assert "accuracy on RTL (2 of 3)" in output
    for name in ("report.json", "layers.json", "report.html"):
        assert f"wrote {tmp_path / name}" in output.replace("\n", "")
    layers = json.loads((tmp_path / "layers.json").read_text())
    measured = [command["cycles_measured"] for command in layers["commands"]]
    assert sum(measured) >= data["cycles_per_image_predicted"]
    lanes = layers["config"]["lanes"]  # a command works on as many images at a time
    assert stall != "0" or sum(measured) == data["cycles_per_image_measured"] * lanes
    for command in layers["commands"]:
        if stall == "0" or not command["label"].startswith("store"):
            assert command["causes_cycles_measured"] == command["causes_cycles_predicted"]
    assert "</html>" in (tmp_path / "report.html").read_text()


@pytest.mark.slow
def test_a_lean_build_agrees(folder, tmp_path):
    """Every value, and the total of every command; nobody counts causes."""
    command = [str(folder / "tiny.safetensors"), "--images", "2", "--lean", "--fit", "--psum-bits", "16"]
    assert main([*command, "--out", str(tmp_path)]) == 0
    data, layers = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("report", "layers"))
    assert (data["images"], data["mismatches"]) == (2, 0)
    assert data["cycles_per_image_measured"] == data["cycles_per_image_predicted"]
    assert (layers["config"]["counters"], layers["config"]["psum_bits"]) == ("total", 16)
    for command in [*layers["commands"], layers["totals"]]:
        assert command["cycles_measured"] == command["cycles_predicted"] > 0
        assert command["causes_cycles_measured"] is None


@pytest.mark.xdist_group("streaming")
def test_streamed_masks_are_counted_at_the_pins(folder, tmp_path, capsys):
    """Where not all masks fit (the build is that of test_streaming), they cross the pins in every inference."""
    report = tmp_path / "report.json"
    command = [str(folder / "tiny.safetensors"), "--images", "2", "--mask-bits", "7168", "--out", str(tmp_path)]
    assert main([*command, "--json"]) == 0
    printed = capsys.readouterr()
    data = json.loads(printed.out)
    assert printed.out == report.read_text()
    assert f"wrote {report}" in printed.err
    assert (data["schema_version"], data["mismatches"]) == (1, 0)
    assert data["cycles_per_image_measured"] == data["cycles_per_image_predicted"]
    program = compile_model(model_file.load(folder / "tiny.safetensors"), config_for(16, mask_bits=7168))
    assert data["streamed_mask_bytes_per_image"] == sum(map(len, program.stream_packets)) > 0
    assert data["image_bytes_per_image"] == len(program.image_packet(np.zeros((5, 6, 3), np.uint8)))
    assert data["output_bytes_per_image"] == 4 * 10


def test_random_images_where_there_are_no_vectors(folder, tmp_path):
    copy, report = tmp_path / "tiny.safetensors", tmp_path / "out" / "report.json"
    copy.write_bytes((folder / "tiny.safetensors").read_bytes())
    assert main([str(copy), "--images", "2", "--out", str(tmp_path / "out")]) == 0
    data = json.loads(report.read_text())
    assert (data["labelled_images"], data["accuracy_percent"], data["references"]) == (0, None, ["golden model"])


@pytest.mark.parametrize(("build", "lane"), [
    pytest.param([], 0, marks=pytest.mark.xdist_group("waves")), pytest.param(TWO_LANES, 1, marks=pytest.mark.slow),
])
def test_a_mismatch_is_found_named_and_shown(folder, tmp_path, capsys, build, lane):
    """A torch trace with one value changed is the mismatch; the waveform around its store holds the value stored. With
    two lanes the image is in the second.
    """
    model = model_file.load(folder / "tiny.safetensors")
    right = vectors.load(folder / "tiny.vectors.safetensors", model)
    layer, iteration, place = "stage1.fold.conv2", 1, (1, 3, 2, 6)
    stored = []
    for tensor in right.trace.stored:
        values = tensor.values.copy()
        if (tensor.layer.name, tensor.iteration) == (layer, iteration):
            got = int(values[place])
            values[place] ^= 1
        stored.append(Stored(tensor.layer, tensor.iteration, values))
    wrong = dataclasses.replace(right, trace=Trace(tuple(stored), right.trace.logits))
    vectors.save(tmp_path / "wrong.safetensors", model, wrong)

    out = tmp_path / "out"
    command = [str(folder / "tiny.safetensors"), "--images", "3", "--vectors", str(tmp_path / "wrong.safetensors")]
    assert main([*command, *build, "--out", str(out)]) == 1
    output = capsys.readouterr().out.replace("\n", " ")
    assert (
        f"MISMATCH: image 1 layer {layer} iteration {iteration} (y 3, x 2, channel 6): expected {got ^ 1} (torch), "
        f"got {got}; stored in cycle " in output
    )
    assert str(out / "mismatch.vcd") in output

    event = json.loads((out / "waveform" / "events.jsonl").read_text())
    waveform = VCDVCD(str(out / "mismatch.vcd"))
    memory = f"testbench.dut.{LANE}{lane}.x.ram.ram"
    names = {name.split("[")[0]: name for name in waveform.signals}
    cycles = waveform[names["testbench.cycle"]]
    assert [int(value, 2) - event["cycle"] for _, value in cycles.tv] == list(range(-100, 100))
    moment = next(time for time, value in cycles.tv if int(value, 2) == event["cycle"])
    data = int(waveform[names[f"{memory}.write_data"]][moment], 2)
    assert int(waveform[names[f"{memory}.write_enable"]][moment], 2) >> 1 & 1
    assert data >> 8 * 6 & 0xFF == got

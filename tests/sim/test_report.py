"""Numbers of the report from made-up measurements."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from sim.report import Report
from spec import model as model_file
from spec.block import Stem
from spec.config import config_for
from spec.hourglass import hourglass
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture
def report(tmp_path):
    network = residual_network("net", image=(5, 4, 3), classes=3, widths=(8,), iterations=(2,), mode=Mode.ANY)
    model = synthetic_model(network, seed=1)
    path = model_file.save(model, tmp_path / "net.safetensors")
    program = compile_model(model, config_for(16))
    return Report(Path(path), program, predict(program), np.array([1, 2, -1]), 0.0, 1, ["golden model"])


def test_numbers(report):
    for image, logits in enumerate(([0, 5, 1], [9, 0, 1], [0, 0, 1])):
        report.add_plain([image], [logits], {"TOTAL": 1000 + image}, cycles=1100, seconds=0.001)
    report.values_compared = 77
    data = json.loads(json.dumps(report.as_json()))
    network = report.program.model.network
    assert data["images"] == 3
    assert (data["labelled_images"], data["correct_images"], data["accuracy_percent"]) == (2, 1, 50.0)
    assert data["cycles_per_image_measured"] == 1001
    assert data["simulated_cycles_per_s"] == pytest.approx(1.1e6)
    assert data["dense_equivalent_macs_per_pe_and_cycle"] == pytest.approx(network.macs / (16 * 1001))
    # mode any: 2 passes, so the peak is two dense-equivalent MAC per PE and cycle
    assert data["array_utilization_percent"] == pytest.approx(100 * network.macs / (2 * 16 * 1001))
    masks, layers = report.program.model.masks, [step.layer for step in network.steps]
    kept = sum(masks[layer.name].sum() * layer.macs // layer.weight_count for layer in layers)
    assert data["kept_macs_per_image"] == pytest.approx(kept, abs=len(network.steps))
    assert data["mask_bits"] == report.program.model.mask_bits
    assert data["model_bytes"] == report.model_path.stat().st_size
    assert (data["mismatches"], data["values_compared"]) == (0, 77)


def test_maps_predict_no_class(tmp_path):
    network = hourglass("h", image=(8, 8, 1), joints=3, width=8, depth=1, stem=Stem(3, 1, 1, 8))
    model = synthetic_model(network, seed=1)
    path = model_file.save(model, tmp_path / "h.safetensors")
    program = compile_model(model, fitted(config_for(16), network))
    made = Report(Path(path), program, predict(program), np.array([1]), 0.0, 1, ["golden model"])
    made.add_plain([0], np.zeros((1, 8, 8, 3)).tolist(), {"TOTAL": 1000}, cycles=1100, seconds=0.001)
    data = made.as_json()
    assert (data["images"], data["labelled_images"], data["accuracy_percent"]) == (1, 0, None)
    weights = sum(step.layer.weight_count for step in network.steps)
    assert data["conventional_bytes_per_image"] == weights + 64 + 8 * 8 * 3


def test_lanes_share_the_cycles(report):
    """Three images in two inferences of two lanes; the cycles of an image are those with every lane in use."""
    model = report.program.model
    program = compile_model(model, config_for(32, lanes=2))
    both = Report(report.model_path, program, predict(program), report.labels, 0.0, 1, ["golden model"])
    both.add_plain([0, 1], [[0, 5, 1], [9, 0, 1]], {"TOTAL": 1000}, cycles=1100, seconds=0.001)
    both.add_plain([2], [[0, 0, 1]], {"TOTAL": 1000}, cycles=1100, seconds=0.001)
    both.add_traffic(200, 30, 40)
    both.add_traffic(100, 30, 40)
    data = both.as_json()
    assert (data["images"], data["inferences"], data["correct_images"]) == (3, 2, 1)
    assert (data["cycles_per_image_measured"], data["cycles_per_inference_measured"]) == (500, 1000)
    assert data["cycles_per_inference_predicted"] == 2 * data["cycles_per_image_predicted"] == predict(program).total
    assert data["dense_equivalent_macs_per_pe_and_cycle"] == pytest.approx(model.network.macs / (32 * 500))
    assert data["array_utilization_percent"] == pytest.approx(100 * model.network.macs / (2 * 32 * 500))
    assert (data["image_bytes_per_image"], data["streamed_mask_bytes_per_image"]) == (100, 20)
    text = io.StringIO()
    Console(file=text, width=120).print(both.table())
    assert "cycles per inference (2 images at a time), measured" in text.getvalue()


def test_traffic_is_compared_with_int8_weights_for_every_execution(report):
    network = report.program.model.network
    for image in (0, 1):
        report.add_plain([image], [[0, 5, 1]], {"TOTAL": 1000}, cycles=1100, seconds=0.001)
    report.add_traffic(100, 0, 20)
    report.add_traffic(100, 40, 20)
    data = report.as_json()
    assert (data["image_bytes_per_image"], data["output_bytes_per_image"]) == (100, 20)
    assert data["streamed_mask_bytes_per_image"] == 20
    assert data["streamed_layers"] == []
    weights = sum(step.layer.weight_count for step in network.steps)
    assert data["conventional_weight_bytes_per_image"] == weights > sum(layer.weight_count for layer in network.layers)
    assert data["conventional_bytes_per_image"] == weights + 5 * 4 * 3 + 4 * 3
    assert data["traffic_saved_ratio"] == pytest.approx(data["conventional_bytes_per_image"] / 140)


def test_the_table_shows_what_is_known(report):
    text = io.StringIO()
    Console(file=text, width=120).print(report.table())
    assert "cycles per image, measured" in text.getvalue()
    assert "accuracy" not in text.getvalue()
    report.add_plain([0], [[0, 5, 1]], {"TOTAL": 12345}, cycles=1100, seconds=0.001)
    text = io.StringIO()
    Console(file=text, width=120).print(report.table())
    assert "12,345" in text.getvalue()
    assert "accuracy on RTL (1 of 1)" in text.getvalue()


def test_the_table_shows_what_training_measured(report):
    report.program.model.provenance.update(float_accuracy=0.99, deployed_accuracy=0.985, held_out_images=450)
    text = io.StringIO()
    Console(file=text, width=120).print(report.table())
    assert "accuracy in floating point (450 held-out images)" in text.getvalue()
    assert "accuracy of the integers in PyTorch (450 held-out images)" in text.getvalue()
    assert "99.00 %" in text.getvalue()
    assert "98.50 %" in text.getvalue()
    report.program.model.provenance.update(judged="PCKh@0.5")
    text = io.StringIO()
    Console(file=text, width=120).print(report.table())
    assert "PCKh@0.5 of the integers in PyTorch (450 held-out images)" in text.getvalue()


def test_a_mismatch_is_counted(report):
    report.mismatch = "layer stem differs"
    assert report.as_json()["mismatches"] == 1

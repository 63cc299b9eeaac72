"""The report of a build: whole, alone, saying what the results say, and refusing results of something else."""

import json
import re

import pytest

from flows.report.__main__ import main
from flows.report.drawings import accuracy_by_size, bars, waveform
from flows.report.folder import read_results
from flows.report.points import Point, of_model, of_papers
from gen.build import build
from gen.cycles import predict
from gen.layers import layers_json
from gen.pages.drawing import NARROW, WIDE
from spec.config import config_for
from spec.model import with_provenance
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

CONFIG = config_for(16)
SYNTHESIS = {
    "part": "the part", "config": CONFIG.to_json(),
    "synthesis": {
        "tool": "Yosys", "version": "9.9", "stage": "synthesis", "counted": "by hand", "lut_per_pe": 12.5,
        "components": {"lane": {"lut": 150, "ff": 1}, "host": {"lut": 50, "ff": 2}, "wires": {"lut": 0, "ff": 0}},
    },
    "route": {"fmax_mhz": 123.4, "tool": "nextpnr", "version": "1", "seed": 7},
}
ENERGY = {"total_uj_per_image": 1.5, "caveat": "An estimate, by nobody.", "split_uj_per_image": {"array": 1, "x": 0.5}}
WAVES = {
    "text": "Between two iterations.", "first_cycle": 1000,
    "signals": [
        {"name": "valid", "width": 1, "values": [0, 1, 1, 0]},
        {"name": "y", "width": 8, "values": [3, 3, 4, None]},
    ],
}


@pytest.fixture
def folder(tmp_path):
    network = residual_network("mine", image=(4, 4, 1), classes=3, widths=(4, 8), iterations=(0, 2))
    model = with_provenance(
        synthetic_model(network, 1), dataset="dots", deployed_accuracy=0.75, float_accuracy=0.76, held_out_images=1200
    )
    build(CONFIG, tmp_path / "build", model)
    return tmp_path / "build"


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
    return path


def page_of(folder, *options):
    assert main([str(folder), *map(str, options)]) == 0
    return (folder / "report.html").read_text()


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


def test_a_build_alone_is_predicted_and_says_what_is_missing(folder, capsys):
    page = page_of(folder)
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    assert not re.search(r'(src|href)="[^#]|url\(http|<script', page)
    cycles = json.loads((folder / "cycles.json").read_text())["total_cycles"]
    text = words(page)
    assert f"{cycles:,} cycles per image, predicted" in text
    assert "75.00% accuracy on 1,200 held-out images" in text
    assert "4 rows x 4 PEs" in text
    assert "python -m flows.synth --pe 16" in text
    assert "no energy.json was given" in text
    assert "cycle by cycle" not in text
    assert page == page_of(folder), "the same results must make the same page"


def test_results_beside_the_build_are_shown(folder):
    put(folder / "synth" / "synth.json", SYNTHESIS)
    put(folder / "energy.json", ENERGY)
    put(folder / "waves.json", WAVES)
    results = read_results(folder, dict.fromkeys(["simulation", "layers", "synthesis", "energy", "waves"]))
    layers = layers_json(results.program, predict(results.program), ())
    layers["totals"]["cycles_measured"] = 123_400
    layers["totals"]["causes_cycles_measured"] = layers["totals"]["causes_cycles_predicted"]
    put(folder / "sim" / "layers.json", layers)
    put(folder / "sim" / "report.json", {"values_compared": 5678, "mismatches": 0, "stall_probability": 0})
    text = words(page_of(folder))
    assert "123,400 cycles per image, measured" in text
    assert "0 mismatches in 5,678 values of the Verilog" in text
    assert "123 MHz routed on the part" in text
    assert "1,000 images per second at that clock" in text
    assert "lane: 150 LUT (75.0 %)" in text
    assert "1.5 µJ per image, an estimate" in text
    assert "An estimate, by nobody." in text
    assert "Between two iterations." in text
    assert "y = 3 in cycles 0 to 1" in text


def test_results_of_something_else_are_refused(folder, tmp_path):
    with pytest.raises(Refused, match="is no build; write one with python"):
        main([str(tmp_path)])
    other = put(tmp_path / "synth.json", SYNTHESIS | {"config": config_for(64).to_json()})
    with pytest.raises(Refused, match="is of another build"):
        main([str(folder), "--synthesis", str(other)])
    with pytest.raises(Refused, match="There are no results"):
        main([str(folder), "--simulation", str(tmp_path / "nowhere")])
    put(tmp_path / "sim" / "layers.json", {"network": "yours", "config": {"hash": "0"}})
    put(tmp_path / "sim" / "report.json", {})
    with pytest.raises(Refused, match="is of yours on build 0, not of mine on"):
        main([str(folder), "--simulation", str(tmp_path / "sim")])
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(Refused, match="is damaged: it is not JSON"):
        main([str(folder), "--energy", str(tmp_path / "bad.json")])
    (folder / "model.safetensors").unlink()
    with pytest.raises(Refused, match="has no model; give"):
        main([str(folder)])
    assert not (folder / "report.html").exists()


def test_points_are_those_of_the_paper_and_of_judged_models():
    points = {(point.name, point.dataset): point for point in of_papers()}
    assert points["HF-ResNet-50", "CIFAR-100"].bytes == 1_950_000
    assert points["HF-ResNet-200", "ImageNet"].accuracy == 71.92
    model = synthetic_model(residual_network("n", image=(4, 4, 1), classes=3, widths=(4,), iterations=(0,)), 1)
    assert of_model("n", model) is None
    judged = of_model("n", with_provenance(model, dataset="d", deployed_accuracy=0.5))
    assert judged == Point("n", "here", "d", 50.0, model.mask_bits // 8 + 4 * model.entry_count, judged.source)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_drawings_say_their_numbers(width):
    svg = accuracy_by_size([Point("a", "dense", "d", 12.5, 3000, "s")], width)
    assert "a, d: 12.50 % in 3,000 bytes (s)" in svg
    svg = bars({"small": 1.0, "large": 3.0}, "LUT", "#123456", width)
    assert "large: 3 LUT (75.0 %)" in svg
    assert svg.index("large") < svg.index("small")
    svg = waveform(WAVES, width)
    assert "y = 4 in cycles 2 to 2" in svg
    assert "1,000" in svg

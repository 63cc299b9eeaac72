"""The page: whole, alone, and saying what the numbers say."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from gen.layers import layers_json
from gen.pages.figures import CAUSE_COLOURS
from rtl.base.ports import Cause
from sim.page import render
from sim.report import Report
from spec import model as model_file
from spec.config import config_for
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


class Reader(HTMLParser):
    """Tags that are open, places that are linked, and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.text, self.counts = [], [], "", {}

    def handle_starttag(self, tag, attributes):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.links += [value for name, value in attributes if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "path", "use"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.links += [value for name, value in attributes if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        if tag not in ("meta", "path", "use"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += f"{data} "


def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    network = residual_network(
        "a-b", image=(5, 6, 3), classes=10, widths=(8, 20), iterations=(2, 0), mode=Mode.ONE_OF_FOUR
    )
    model = synthetic_model(network, seed=1)
    path = model_file.save(model, tmp_path_factory.mktemp("page") / "net.safetensors")
    program = compile_model(model, config_for(16))
    cycles = predict(program)
    report = Report(path, program, cycles, np.array([1]), 0.0, 1, ["golden model"])
    report.add_plain([0], [[0, 5, 1]], {"TOTAL": cycles.total}, cycles=1100, seconds=0.001)
    report.add_traffic(100, 0, 40)
    counts = [{"TOTAL": c.cycles} | {cause.name: c.causes[cause] for cause in Cause} for c in cycles.commands]
    return report, layers_json(program, cycles, counts)


def test_the_page_stands_alone(case):
    report, layers = case
    page = render(report.as_json(), layers)
    reader = read(page)
    assert all(link.startswith("#") for link in reader.links)
    assert "url(http" not in page
    assert "script" not in reader.counts
    assert reader.counts["svg"] == 6
    assert "a-b on 16 processing elements" in reader.text
    assert page == render(report.as_json(), layers), "the same numbers must make the same page"


def test_it_says_what_was_measured(case):
    report, layers = case
    text = " ".join(read(render(report.as_json(), layers)).text.split())
    assert f"{report.cycles.total:,} cycles per image, measured" in text
    assert f"the cycle model says the same of each of the {len(layers['commands'])} commands" in text
    assert "0 mismatches" in text
    for cause in CAUSE_COLOURS:
        assert cause.replace("_", " ") in text
    array = report.cycles.causes[Cause.ARRAY]
    assert f"the array computes ({100 * array / report.cycles.total:.2f} %)" in text


def test_every_layer_and_iteration_is_drawn_with_its_numbers(case):
    report, layers = case
    page = render(report.as_json(), layers)
    fold = next(c for c in layers["commands"] if c["label"] == "stage1.fold.conv2" and c["iteration"] == 1)
    array = fold["causes_cycles_measured"]["array"]
    start = f"stage1.fold.conv2 · 1: array {array:,} of {fold['cycles_measured']:,} cycles"
    assert any(title.startswith(start) for title in re.findall(r"<title>(.*?)</title>", page))
    for record in layers["commands"]:
        name = f"{record['label']} · {record['iteration']}" if record["iterations"] > 1 else record["label"]
        assert page.count(f">{name}</text>") == (4 if record["passes"] else 2), name


def test_a_mismatch_and_unmeasured_cycles_are_told(case):
    report, _ = case
    layers = layers_json(report.program, report.cycles, [])
    data = report.as_json() | {"mismatch": "layer stem differs", "mismatches": 1, "traffic_saved_ratio": None}
    text = " ".join(read(render(data, layers)).text.split())
    assert "Mismatch: layer stem differs" in text
    assert "nothing was measured" in text
    assert "cycles per image, predicted" in text


def test_every_cause_has_a_colour_of_its_own():
    assert list(CAUSE_COLOURS) == [cause.name.lower() for cause in Cause]
    assert len(set(CAUSE_COLOURS.values())) == len(Cause)

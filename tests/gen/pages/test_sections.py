"""Sections of pages about layers, and how templates are found."""

import jinja2
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from gen.layers import layers_json
from gen.pages.sections import layer_sections, render
from spec.config import config_for
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="module")
def layers():
    network = residual_network("n", image=(4, 4, 1), classes=3, widths=(4,), iterations=(2,))
    program = compile_model(synthetic_model(network, 1), config_for(16))
    return layers_json(program, predict(program), ())


def test_sections_of_a_prediction(layers):
    values = layer_sections(layers, stalls=0.5)
    assert values["took"] == layers["totals"]["cycles_predicted"]
    assert values["stalls"] == 0.5
    assert values["folded"]
    assert sum(cause["percent"] for cause in values["legend"]) == pytest.approx(100)
    assert set(values["modes"]) == set(layers["roofs"])
    assert values["cycles"]["wide"] != values["cycles"]["narrow"]


def test_a_page_includes_what_is_shared(tmp_path, layers):
    template = tmp_path / "mine.html.j2"
    body = '{% include "memory.html.j2" %}{{ own }}'
    template.write_text('{% extends "base.html.j2" %}{% block body %}' + body + "{% endblock %}")
    page = render(template, own="<b>", **layer_sections(layers))
    assert page.startswith("<!DOCTYPE html>")
    assert "residual stream" in page
    assert "&lt;b&gt;" in page
    with pytest.raises(jinja2.UndefinedError, match="own"):
        render(template, **layer_sections(layers))

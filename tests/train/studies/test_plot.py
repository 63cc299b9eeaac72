"""The chart is well-formed and its dots are where they belong."""

import xml.etree.ElementTree as ElementTree

import pytest

from train.studies.plot import chart

POINTS = [(100, 0.5), (1000, 0.6), (10_000, 0.7)]
LINE = {"slope": 0.1, "intercept": 0.3, "r2": 1.0}


def parsed(points=POINTS, **settings):
    text = chart(points, LINE, **({"title": "t & u", "ceiling": 0.72, "whole": 50_000} | settings))
    root = ElementTree.fromstring(text)
    return root, {tag: [e for e in root if e.tag.endswith(tag)] for tag in ("circle", "line", "text")}


def test_a_dot_for_every_point_evenly_over_decades():
    _, found = parsed()
    xs, ys = ([float(dot.get(key)) for dot in found["circle"]] for key in ("cx", "cy"))
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2)
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.2)
    assert ys[0] > ys[2]


def test_the_line_goes_through_its_points():
    _, found = parsed()
    line, = (e for e in found["line"] if e.get("stroke") == "#c33")
    dot = found["circle"][0]
    assert float(line.get("x1")) == float(dot.get("cx"))
    assert float(line.get("y1")) == pytest.approx(float(dot.get("cy")), abs=0.2)


def test_everything_is_inside():
    root, found = parsed([(3, 0.101), (7, 0.102)], ceiling=0.999)
    width, height = float(root.get("width")), float(root.get("height"))
    for element in found["circle"]:
        assert 0 <= float(element.get("cx")) <= width
        assert 0 <= float(element.get("cy")) <= height
    assert found["text"][0].text == "t & u"

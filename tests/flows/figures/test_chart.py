"""A plot is well-formed, and says what its dots are."""

import re
from xml.etree import ElementTree

import pytest

from flows.figures.chart import Panel, Series, drawn, mean_points


def words(panel):
    root = ElementTree.fromstring(drawn(panel))
    tips = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    return tips, {text.text for text in root.iter("{http://www.w3.org/2000/svg}text")}


def test_means_and_deviations_of_a_sample():
    first, second = mean_points([(3, [0.1, 0.3]), (5, [0.4])], 100)
    assert first == (3, pytest.approx(20), pytest.approx(200**0.5))
    assert second == (5, 40.0, 0.0)


def test_every_dot_has_its_value_and_curves_have_none():
    panel = Panel("a title", "x & more", "y", [
        Series("ours", [(10, 50.0, 1.5), (2000, 60.0, 0.0)]), Series("fit", [(10, 49.0, 0.0), (2000, 61.0, 0.0)], 1,
                                                                     dots=False),
    ], log="x")
    tips, text = words(panel)
    assert tips == ["ours, 10: 50.00 ± 1.50", "ours, 2,000: 60.00"]
    assert {"a title", "x & more", "y", "ours", "fit"} <= text


@pytest.mark.parametrize(("xs", "between"), [((2, 6), False), ((2, 4.5), True)])
def test_what_is_counted_has_whole_ticks(xs, between):
    _, text = words(Panel("t", "runs", "%", [Series("ours", [(x, 70.0, 0.0) for x in xs])]))
    assert ("2.5" in text) is between


def test_names_stand_beside_their_rows():
    tips, text = words(Panel("t", "%", "", [Series("ours", [(71.0, 1, 0.0), (70.0, 0, 2.0)])], names=("one", "two")))
    assert tips == ["ours, two: 71.00", "ours, one: 70.00 ± 2.00"]
    assert {"one", "two"} <= text
    assert "ours" not in text  # a single series needs no legend


def test_what_a_paper_prints_is_hollow():
    point = [(1, 1.0, 0.0), (2, 2.0, 0.0)]
    filled, hollow = (drawn(Panel("t", "x", "y", [Series("s", point, hollow=hollow)])) for hollow in (False, True))
    assert not re.search("fill: #ffffff; stroke: #2a7fb8", filled)
    assert re.search("fill: #ffffff; stroke: #2a7fb8", hollow)


@pytest.mark.parametrize(("last", "seen"), [(3000, "200"), (30_000_000, "100")])
def test_a_short_axis_has_more_than_powers_of_ten(last, seen):
    text = words(Panel("t", "x", "y", [Series("s", [(100, 1.0, 0.0), (last, 2.0, 0.0)])], log="x"))[1]
    assert seen in text
    assert ("500" in text) == (seen == "200")

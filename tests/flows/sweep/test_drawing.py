"""The drawing of a sweep, by its tooltips."""

from console.pages.drawing import NARROW, WIDE
from flows.sweep.drawing import front
from flows.sweep.points import Point
from spec.config import config_for


def test_every_point_says_what_it_is():
    good = Point("1of4", config_for(64), 100.0, 5000.0, {"lut": 1234}, ())
    bad = Point("any", config_for(16), 100.0, 4000.0, {"lut": 99}, ("lut 99 of 9",))
    svg = front([good, bad], [good], good, 2000, NARROW)
    assert "64 PEs, 16 rows x 4 PEs x 1 lanes, 1of4: 5,000 images/s, 1,234 LUT<" in svg
    assert "4,000 images/s, 99 LUT; too much: lut 99 of 9" in svg


def test_the_best_are_named_once_a_size():
    points = [
        Point("1of4", config_for(pe), 100.0, rate, {"lut": luts}, ())
        for pe, rate, luts in ((16, 10.0, 100), (64, 40.0, 200), (64, 50.0, 300))
    ]
    svg = front(points, points[:2], None, 2000, WIDE)
    assert (svg.count(">16 PEs<"), svg.count(">64 PEs<")) == (1, 1)
    assert front(points, points, points[2], 2000, WIDE).count(">64 PEs<") == 1
    plain, ringed = (front(points, points, choice, 2000, WIDE) for choice in (None, points[2]))
    assert ringed.count("<use ") > plain.count("<use ")  # a ring around the chosen one is one mark more

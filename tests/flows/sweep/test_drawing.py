"""The drawing of a sweep, by its tooltips."""

from flows.sweep.drawing import front
from flows.sweep.points import Point
from gen.pages.drawing import NARROW
from spec.config import config_for


def test_every_point_says_what_it_is():
    good = Point("1of4", config_for(64), 100.0, 5000.0, {"lut": 1234}, ())
    bad = Point("any", config_for(16), 100.0, 4000.0, {"lut": 99}, ("lut 99 of 9",))
    svg = front([good, bad], [good], 2000, NARROW)
    assert "16 rows x 4 PEs x 1, 1of4: 5,000 images/s, 1,234 LUT<" in svg
    assert "4,000 images/s, 99 LUT; too much: lut 99 of 9" in svg

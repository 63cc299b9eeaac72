"""Drawings of the report, by the numbers in their tooltips."""

import pytest

from console.pages.drawing import NARROW, WIDE
from flows.report.drawings import accuracy_by_size, bars, waveform
from flows.report.points import Judged

WAVES = {
    "text": "Between two iterations.", "first_cycle": 1000,
    "signals": [
        {"name": "valid", "width": 1, "values": [0, 1, 1, 0]},
        {"name": "y", "width": 8, "values": [3, 3, 4, None]},
    ],
}


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_drawings_say_their_numbers(width):
    svg = accuracy_by_size([Judged("a", "dense", "d", 12.5, 3000, "s")], width)
    assert "a, d: 12.50 % in 3,000 bytes (s)" in svg
    svg = bars({"small": 1.0, "large": 3.0}, "LUT", "#123456", width)
    assert "large: 3 LUT (75.0 %)" in svg
    assert svg.index("large") < svg.index("small")
    svg = waveform(WAVES, width)
    assert "y = 4 in cycles 2 to 2" in svg
    assert "1,000" in svg

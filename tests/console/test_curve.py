"""A curve in a line of text."""

from console.curve import curve


def test_from_the_lowest_to_the_highest():
    assert curve([0.1, 0.5, 0.9, 0.8]) == "▁▅█▇"


def test_equal_values_and_a_single_one():
    assert curve([2.0]) == "█"
    assert curve([3, 3]) == "██"


def test_a_long_curve_ends_with_its_end():
    assert curve(range(1000), 10) == curve(range(99, 1000, 100))
    assert len(curve(range(61), 60)) == 60

"""Tables in Markdown."""

from flows.tables.markdown import percent, spread, table


def test_headers_alignment_and_rows():
    assert table({"name": "l", "LUT": "r"}, [("a", "1"), ("b", "22")]).splitlines() == [
        "| name | LUT |", "| --- | ---: |", "| a | 1 |", "| b | 22 |",
    ]


def test_a_sample_has_a_deviation_and_a_value_has_none():
    assert spread([1.0, 3.0], 1) == "2.0 ± 1.4"
    assert percent([0.5]) == "50.00"
    assert percent([0.84, 0.86]) == "85.00 ± 1.41"

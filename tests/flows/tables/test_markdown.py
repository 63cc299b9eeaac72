"""Tables in Markdown."""

from flows.tables.markdown import table


def test_headers_alignment_and_rows():
    assert table({"name": "l", "LUT": "r"}, [("a", "1"), ("b", "22")]).splitlines() == [
        "| name | LUT |", "| --- | ---: |", "| a | 1 |", "| b | 22 |",
    ]

"""The tables of what tests meet."""

from flows.tables.markdown import table

__all__ = ["coverage", "impossible"]

#: What the rows of a kind are, in the order of the table.
_KINDS = {
    "branch": "branches of the Python", "line": "lines of the Verilog", "toggle": "bits of the Verilog, both ways",
    "bins": "what there can be",
}


def coverage(data: dict) -> str:
    """Rows of ``tests.coverage``: rooms, modules and features."""
    rows = [
        (
            text, f"`{name}`" if kind != "bins" else name, f"{row['points']:,}", f"{row['hit']:,}",
            f"{row['measured_percent']:.1f}", f"{row['waived']:,}", f"{row['percent']:.1f}",
        )
        for kind, text in _KINDS.items() for name, row in data["kinds"].get(kind, {}).items()
    ]
    headers = ("of the", "in", "points", "met", "%", "with a reason", "% but for those")
    return table(dict(zip(headers, "llrrrrr", strict=True)), rows)


def impossible(data: dict) -> str:
    """What there cannot be, by what the spec or the compiler says."""
    return table({"why there is none": "l", "combinations": "r"}, [
        (why, f"{count:,}") for why, count in data["impossible"].items()
    ])

"""Tables in Markdown."""

from collections.abc import Mapping, Sequence

__all__ = ["table"]


def table(columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> str:
    """A table; ``columns`` are headers and their alignment, ``l`` or ``r``."""
    lines = [columns, [{"l": "---", "r": "---:"}[side] for side in columns.values()], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

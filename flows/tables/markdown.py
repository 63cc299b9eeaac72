"""Tables in Markdown."""

from collections.abc import Mapping, Sequence
from statistics import mean, stdev

__all__ = ["percent", "spread", "table"]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean and standard deviation of a sample, with so many ``digits``; of a single value itself."""
    deviation = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{deviation}"


def percent(values: Sequence[float]) -> str:
    """The same of shares, in percent."""
    return spread([100 * value for value in values])


def table(columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> str:
    """A table; ``columns`` are headers and their alignment, ``l`` or ``r``."""
    lines = [columns, [{"l": "---", "r": "---:"}[side] for side in columns.values()], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

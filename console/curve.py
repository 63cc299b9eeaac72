"""A curve in a line of text."""

from collections.abc import Sequence

__all__ = ["curve"]

_BARS = "▁▂▃▄▅▆▇█"


def curve(values: Sequence[float], width: int = 60) -> str:
    """A bar for each of ``values``, from the lowest of them to the highest; for more than ``width`` values, a bar for
    the last of each equal part.
    """
    shown = values if len(values) <= width else [values[(i + 1) * len(values) // width - 1] for i in range(width)]
    low, high = min(shown), max(shown)
    steps = len(_BARS) - 1
    return "".join(_BARS[round(steps * (value - low) / (high - low)) if high > low else steps] for value in shown)

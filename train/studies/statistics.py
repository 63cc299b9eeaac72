"""What several runs say together."""

from collections.abc import Sequence

import numpy as np

__all__ = ["mean_and_deviation"]


def mean_and_deviation(values: Sequence[float]) -> str:
    """``mean +- standard deviation`` in percent; the deviation (of a sample) from two values on."""
    mean = f"{100 * np.mean(values):.2f}"
    return f"{mean} +- {100 * np.std(values, ddof=1):.2f}" if len(values) > 1 else mean

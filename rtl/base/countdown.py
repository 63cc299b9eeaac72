"""Loop counters that know their last iteration: a register, not a comparison in the path of whatever depends on it."""

from amaranth.hdl import ValueLike
from amaranth.lib import data

__all__ = ["begin", "countdown", "step"]


def countdown(width: int) -> data.StructLayout:
    """Iterations ``left`` of a loop, the present one included, and whether that is the ``last``."""
    return data.StructLayout({"left": width, "last": 1})


def begin(count: data.View, iterations: ValueLike) -> list:
    """Statements that set ``count`` to the first of ``iterations``, at least 1."""
    return [count.left.eq(iterations), count.last.eq(iterations == 1)]


def step(count: data.View, before: data.View | None = None) -> list:
    """Statements that set ``count`` to the iteration after ``before``, by default its own."""
    before = count if before is None else before
    return [count.left.eq(before.left - 1), count.last.eq(before.left == 2)]

"""What a value was in the cycles before."""

from amaranth.hdl import Module, Signal, Value

__all__ = ["history"]


def history(m: Module, name: str, now: Value, cycles: int) -> list[Value]:
    """``now``, and its value of one cycle ago, of two, up to ``cycles``: registers called ``name`` and their age."""
    values = [now]
    for age in range(1, cycles + 1):
        values.append(Signal(now.shape(), name=f"{name}{age}"))
        m.d.sync += values[-1].eq(values[-2])
    return values

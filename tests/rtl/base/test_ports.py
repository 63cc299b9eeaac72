"""Ports between wings: they compare by value, and causes are the counters that the host reads."""

from amaranth.hdl import Shape

from rtl.base.ports import COUNTER_VALUES, Cause, MemoryWrite
from spec.registers import COUNTERS


def test_memory_write_compares_by_value():
    assert MemoryWrite(2) == MemoryWrite(2) != MemoryWrite(4)
    assert len({MemoryWrite(2), MemoryWrite(2), MemoryWrite(1)}) == 2
    assert repr(MemoryWrite(4)) == "MemoryWrite(4)"


def test_causes_are_the_counters_after_the_total():
    assert ["TOTAL", *(cause.name for cause in Cause)] == [name for name, _ in COUNTERS]
    assert [cause.value for cause in Cause] == list(range(len(COUNTERS) - 1))
    assert COUNTER_VALUES.size == 64 * len(COUNTERS)
    assert len(Cause) == 1 << Shape.cast(Cause).width, "a code without a meaning would not be counted"

"""Ports between wings: they compare by value, and causes are the counters that the host reads."""

import pytest
from amaranth.hdl import Shape

from rtl.base.ports import (
    Cause,
    LaneControl,
    MemoryWrite,
    ReadStep,
    StoreStep,
    SumStep,
    WritePort,
)
from spec.config import config_for
from spec.registers import COUNTERS


@pytest.mark.parametrize(("one", "same", "other"), [
    (MemoryWrite(2), MemoryWrite(2), MemoryWrite(4)),
    (WritePort(width=64, depth=8), WritePort(width=64, depth=8, part=64), WritePort(width=64, depth=8, part=32)),
    (SumStep(16), SumStep(16), SumStep(16, rings=True)),
    (StoreStep(24, 4), StoreStep(24, 4), StoreStep(24, 2)),
    (LaneControl(config_for(16)), LaneControl(config_for(16)), LaneControl(config_for(16, psum_depth=16))),
])
def test_signatures_compare_by_their_members(one, same, other):
    assert one == same != other
    assert len({one, same, other}) == 2


def test_signatures_of_two_kinds_differ():
    """Even with the same members: what is read is not what is written."""
    class Alike(ReadStep):
        pass

    assert ReadStep(8).members == Alike(8).members
    assert ReadStep(8) != Alike(8)


def test_causes_are_the_counters_after_the_total():
    assert ["TOTAL", *(cause.name for cause in Cause)] == [name for name, _ in COUNTERS]
    assert [cause.value for cause in Cause] == list(range(len(COUNTERS) - 1))
    assert len(Cause) == 1 << Shape.cast(Cause).width, "a code without a meaning would not be counted"

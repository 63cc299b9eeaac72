"""Values of the cycles before, against the list of all there were."""

import random

import pytest
from amaranth.hdl import Module, Signal

from rtl.base.history import history


@pytest.mark.parametrize(("bits", "cycles"), [(1, 0), (3, 1), (8, 5)])
def test_values_of_the_cycles_before(simulate, bits, cycles):
    m, now, rng = Module(), Signal(bits), random.Random(bits)
    values = history(m, "value", now, cycles)
    were = [0] * (cycles + 1)

    async def testbench(ctx):
        for _ in range(40):
            were.insert(0, rng.getrandbits(bits))
            ctx.set(now, were[0])
            assert [ctx.get(value) for value in values] == were[: cycles + 1]
            await ctx.tick()

    m.d.sync += Signal().eq(0)
    simulate(m, testbench)


def test_registers_are_called_by_their_age():
    assert [value.name for value in history(Module(), "mark", Signal(2), 2)[1:]] == ["mark1", "mark2"]

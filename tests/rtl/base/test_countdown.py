"""Loop counters against a loop."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.countdown import begin, countdown, step


class Loop(wiring.Component):
    """``count`` begins anew with ``start`` and after its last iteration, and steps in every cycle; ``ahead`` is one
    iteration further.
    """

    start: In(1)
    iterations: In(5)
    count: Out(countdown(5))
    ahead: Out(countdown(5))

    def elaborate(self, platform):
        m = Module()
        following = Signal(countdown(5))
        m.d.comb += [*step(following, self.count), self.ahead.eq(following)]
        m.d.sync += step(self.count)
        with m.If(self.start | self.count.last):
            m.d.sync += begin(self.count, self.iterations)
        return m


@pytest.mark.parametrize("iterations", [1, 2, 3, 17, 31])
def test_the_last_iteration_is_known_when_it_begins(simulate, iterations):
    dut = Loop()

    async def testbench(ctx):
        ctx.set(dut.iterations, iterations)
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for _ in range(2):
            for left in range(iterations, 0, -1):
                assert (ctx.get(dut.count.left), ctx.get(dut.count.last)) == (left, left == 1)
                if left > 1:
                    assert (ctx.get(dut.ahead.left), ctx.get(dut.ahead.last)) == (left - 1, left == 2)
                await ctx.tick()

    simulate(dut, testbench)

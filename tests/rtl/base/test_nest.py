"""Counters in hardware against the walk of the table they are made from."""

import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND
from rtl.base.nest import Nest
from spec.commands import Op, encode
from spec.order import LOOPS, walk


class Counted(wiring.Component):
    """A nest around a body that ends when ``body_ends``, and what it says."""

    def __init__(self):
        flags = {f"{kind}_{loop.name}": Out(1) for kind in ("last", "ends", "goes_on", "after") for loop in LOOPS}
        super().__init__(flags | {"take": In(1), "command": In(COMMAND), "advance": In(1), "body_ends": In(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += Signal().eq(1)
        nest = Nest(m, LOOPS, self.body_ends)
        with m.If(self.take):
            nest.begin(m, self.command)
        with m.Elif(self.advance):
            nest.step(m, self.command)
        for loop in LOOPS:
            for kind, value in (
                ("last", nest.last[loop.name]), ("ends", nest.ends[loop.name]), ("goes_on", nest.goes_on[loop.name]),
                ("after", nest.last_after(loop.name, self.command)),
            ):
                m.d.comb += getattr(self, f"{kind}_{loop.name}").eq(value)
        return m


@pytest.mark.parametrize("fields", [
    {"tiles": 2, "pixel_tiles": 3, "top_plane": 2, "kernel": 2, "blocks": 2, "passes": 2},
    {"tiles": 3, "pixel_tiles": 1, "top_plane": 0, "kernel": 3, "blocks": 1, "passes": 3},
    {"tiles": 1, "pixel_tiles": 2, "top_plane": 1, "kernel": 1, "blocks": 3, "passes": 1},
    {"tiles": 1, "pixel_tiles": 1, "top_plane": 0, "kernel": 1, "blocks": 1, "passes": 1},
], ids=["all", "one pixel tile", "one tap", "nothing repeats"])
def test_flags_are_those_of_the_walk(simulate, layout_of, fields):
    dut, rng = Counted(), random.Random(1)
    places = list(walk(fields))
    lengths = {loop.name: loop.iterations(fields) for loop in LOOPS}

    def last(place, name):
        index = next(loop for loop in LOOPS if loop.name == name)
        return place[name] == (0 if index.falls else lengths[name] - 1)

    async def testbench(ctx):
        ctx.set(dut.command, layout_of(encode(Op.CONV, **fields)))
        for _ in range(2):
            ctx.set(dut.take, 1)
            await ctx.tick()
            ctx.set(dut.take, 0)
            for place, following in zip(places, [*places[1:], None], strict=True):
                while rng.random() < 0.4:  # the body goes on, or nothing moves
                    ctx.set(dut.body_ends, rng.random() < 0.5)
                    ctx.set(dut.advance, 1 - ctx.get(dut.body_ends))
                    await ctx.tick()
                ctx.set(dut.body_ends, 1)
                ctx.set(dut.advance, 1)
                inner = True
                for loop in reversed(LOOPS):
                    name, here = loop.name, last(place, loop.name)
                    assert ctx.get(getattr(dut, f"last_{name}")) == here, (place, name)
                    assert ctx.get(getattr(dut, f"ends_{name}")) == (inner and here), (place, name)
                    assert ctx.get(getattr(dut, f"goes_on_{name}")) == (inner and not here), (place, name)
                    if following:
                        assert ctx.get(getattr(dut, f"after_{name}")) == last(following, name), (place, name)
                    inner = inner and here
                await ctx.tick()

    simulate(dut, testbench)

"""Windows over a map, pixel by pixel, against two nested loops."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND
from rtl.control.map_walk import pixel_layout, start_pixel, step_pixel
from spec.commands import ADDRESS_BITS, Op, encode


class Walk(wiring.Component):
    """A register that steps in every cycle."""

    command: In(COMMAND)
    start: In(1)
    here: Out(pixel_layout(ADDRESS_BITS))

    def elaborate(self, platform):
        """Start at the top left, which is in the padding."""
        m = Module()
        after, first = Signal(pixel_layout(ADDRESS_BITS)), Signal(pixel_layout(ADDRESS_BITS))
        start_pixel(m, self.command, first)
        step_pixel(m, self.command, self.here, after)
        m.d.sync += self.here.eq(after)
        with m.If(self.start):
            m.d.sync += self.here.eq(first)
        return m


@pytest.mark.parametrize(("size", "kernel", "stride", "pad", "blocks"), [
    ((4, 5), 3, 1, 1, 2), ((5, 4), 3, 2, 1, 1), ((7, 6), 1, 2, 0, 3), ((1, 1), 3, 2, 1, 1), ((9, 8), 5, 3, 2, 7),
])
def test_pixels_in_order(simulate, layout_of, size, kernel, stride, pad, blocks):
    rows, columns = ((n + 2 * pad - kernel) // stride + 1 for n in size)
    wrap = (1 << ADDRESS_BITS) - 1
    command = encode(
        Op.CONV, pad=pad, stride=stride, out_width=columns, step_x=stride * blocks,
        step_row=stride * (size[1] - columns + 1) * blocks & wrap,
    )
    dut = Walk()

    async def testbench(ctx):
        ctx.set(dut.command, layout_of(command))
        ctx.set(dut.start, 1)
        await ctx.tick()
        ctx.set(dut.start, 0)
        for row in range(rows):
            for column in range(columns):
                here = ctx.get(dut.here)
                assert (here.y, here.x) == ((row * stride - pad) & 8191, (column * stride - pad) & 8191)
                assert (here.columns.left, here.columns.last) == (columns - column, column == columns - 1)
                assert here.offset == (row * size[1] + column) * stride * blocks
                await ctx.tick()

    simulate(dut, testbench)

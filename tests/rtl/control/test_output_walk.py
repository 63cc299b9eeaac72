"""The order of results against its formula."""

import random

import pytest

from rtl.control.output_walk import OutputWalk


@pytest.mark.parametrize(("columns", "pixels", "step", "tiles"), [
    (1, 1, 1, 5), (1, 4, 3, 3), (2, 1, 2, 4), (2, 5, 1, 2), (4, 3, 2, 7), (4, 16, 1, 4), (16, 2, 3, 40),
])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_results_in_order(simulate, columns, pixels, step, tiles, gaps):
    dut = OutputWalk(columns=columns)
    rng = random.Random(pixels)

    async def testbench(ctx):
        ctx.set(dut.pixels, pixels)
        ctx.set(dut.step, step)
        for length in (pixels * tiles // 2, pixels * tiles):  # the first walk is cut short by the reset of the second
            ctx.set(dut.reset, 1)
            ctx.set(dut.advance, rng.getrandbits(1))
            await ctx.tick()
            ctx.set(dut.reset, 0)
            for i in range(length):
                ctx.set(dut.advance, 0)
                while rng.random() < gaps:
                    await ctx.tick()
                tile, pixel = divmod(i, pixels)
                assert ctx.get(dut.offset) == pixel * step + tile // columns
                assert ctx.get(dut.column) == tile % columns
                assert ctx.get(dut.first) == (pixel == 0)
                ctx.set(dut.advance, 1)
                await ctx.tick()

    simulate(dut, testbench)

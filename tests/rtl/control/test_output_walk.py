"""The order of results against its formula."""

import random

import numpy as np
import pytest

from rtl.control.output_walk import OutputWalk
from spec.numerics import upsample


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


@pytest.mark.parametrize(("height", "width", "columns", "step", "tiles"), [
    (1, 1, 1, 1, 3), (2, 2, 1, 2, 2), (3, 5, 2, 1, 5), (4, 6, 4, 3, 5), (5, 1, 2, 2, 4), (1, 7, 1, 1, 3),
    (6, 3, 2, 2, 3),
])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
@pytest.mark.parametrize("half", [0, 1])
def test_a_map_half_as_large(simulate, height, width, columns, step, tiles, gaps, half):
    """Its words are those of numpy's nearest up-sampling, tile after tile; without ``half`` nothing is different."""
    dut = OutputWalk(columns=columns, halves=True)
    rng = random.Random(height)
    small = np.arange((height + 1) // 2 * ((width + 1) // 2)).reshape(1, (height + 1) // 2, -1, 1)
    words = upsample(small, height, width).ravel() if half else np.arange(height * width)

    async def testbench(ctx):
        for signal, value in (
            (dut.pixels, height * width), (dut.step, step), (dut.half, half), (dut.width, width)
        ):
            ctx.set(signal, value)
        for length in (height * width * tiles // 2, height * width * tiles):
            ctx.set(dut.reset, 1)
            ctx.set(dut.advance, rng.getrandbits(1))
            await ctx.tick()
            ctx.set(dut.reset, 0)
            for i in range(length):
                ctx.set(dut.advance, 0)
                while rng.random() < gaps:
                    await ctx.tick()
                tile, pixel = divmod(i, height * width)
                assert ctx.get(dut.added) == int(words[pixel]) * step + tile // columns
                assert ctx.get(dut.offset) == pixel * step + tile // columns
                assert ctx.get(dut.first) == (pixel == 0)
                ctx.set(dut.advance, 1)
                await ctx.tick()

    simulate(dut, testbench)

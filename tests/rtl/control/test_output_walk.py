"""The order of results against its formula."""

import random

import numpy as np
import pytest

from rtl.control.output_walk import OutputWalk
from spec.numerics import upsample


def check(simulate, dut, inputs, pixels, tiles, gaps, expected):
    """Walk twice, the first time cut short by the reset of the second; before result ``i``, which comes with ``gaps``,
    the outputs are ``expected(*divmod(i, pixels))``, by name.
    """
    rng = random.Random(pixels)

    async def testbench(ctx):
        for name, value in inputs.items():
            ctx.set(getattr(dut, name), value)
        for length in (pixels * tiles // 2, pixels * tiles):
            ctx.set(dut.reset, 1)
            ctx.set(dut.advance, rng.getrandbits(1))
            await ctx.tick()
            ctx.set(dut.reset, 0)
            for i in range(length):
                ctx.set(dut.advance, 0)
                while rng.random() < gaps:
                    await ctx.tick()
                wanted = expected(*divmod(i, pixels))
                assert {name: ctx.get(getattr(dut, name)) for name in wanted} == wanted
                ctx.set(dut.advance, 1)
                await ctx.tick()

    simulate(dut, testbench)


@pytest.mark.parametrize(("columns", "pixels", "step", "tiles"), [
    (1, 1, 1, 5), (1, 4, 3, 3), (2, 1, 2, 4), (2, 5, 1, 2), (4, 3, 2, 7), (4, 16, 1, 4), (16, 2, 3, 40),
])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_results_in_order(simulate, columns, pixels, step, tiles, gaps):
    def expected(tile, pixel):
        return {"offset": pixel * step + tile // columns, "column": tile % columns, "first": pixel == 0}

    check(simulate, OutputWalk(columns=columns), {"pixels": pixels, "step": step}, pixels, tiles, gaps, expected)


@pytest.mark.parametrize(("height", "width", "columns", "step", "tiles"), [
    (1, 1, 1, 1, 3), (2, 2, 1, 2, 2), (3, 5, 2, 1, 5), (4, 6, 4, 3, 5), (5, 1, 2, 2, 4), (1, 7, 1, 1, 3),
    (6, 3, 2, 2, 3),
])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
@pytest.mark.parametrize("half", [0, 1])
def test_a_map_half_as_large(simulate, height, width, columns, step, tiles, gaps, half):
    """Its words are those of numpy's nearest up-sampling, tile after tile; without ``half`` nothing is different."""
    small = np.arange((height + 1) // 2 * ((width + 1) // 2)).reshape(1, (height + 1) // 2, -1, 1)
    words = upsample(small, height, width).ravel().tolist() if half else range(height * width)

    def expected(tile, pixel):
        first, of_tile = pixel == 0, tile // columns
        return {"added": words[pixel] * step + of_tile, "offset": pixel * step + of_tile, "first": first}

    pixels = height * width
    inputs = {"pixels": pixels, "step": step, "half": half, "width": width}
    check(simulate, OutputWalk(columns=columns, halves=True), inputs, pixels, tiles, gaps, expected)

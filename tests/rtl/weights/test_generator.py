# amaranth: UnusedElaboratable=no
"""Regenerated signs against :func:`spec.lfsr.signs`, fetched in the order of the hardware."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.weights.generator import WeightGenerator, linear
from spec.lfsr import ROW_STRIDE, SIGN_WORD, SIGNS, signs


class Leap(wiring.Component):
    """:func:`linear` with ports."""

    def __init__(self, steps):
        self.steps = steps
        super().__init__({"before": In(32), "after": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.after.eq(linear(self.steps, self.before))
        return m


@pytest.mark.parametrize("steps", [1, SIGN_WORD, ROW_STRIDE, 4 * ROW_STRIDE])
def test_networks_are_jumps(simulate, steps):
    dut, rng = Leap(steps), random.Random(steps)

    async def testbench(ctx):
        for state in [1, (1 << 32) - 1, *(rng.getrandbits(32) for _ in range(100))]:
            ctx.set(dut.before, state)
            assert ctx.get(dut.after) == SIGNS.jump(state, steps)

    simulate(dut, testbench)


async def fetch_layer(ctx, dut, rng, gaps, seed, outputs, kernel, inputs, passes, pixel_tiles):
    """Fetch a layer as the mask walk does; yield (row, tap row, tap column, first channel, signs)."""
    rows = dut.fetches * dut.ports
    ctx.set(dut.seed, seed)
    ctx.set(dut.load, 1)
    await ctx.tick()
    ctx.set(dut.load, 0)
    ctx.set(dut.seed, rng.getrandbits(32))
    waited = 0
    while ctx.get(dut.seeding):
        waited += 1
        await ctx.tick()
    assert waited == dut.ports - 1
    await ctx.tick()
    blocks = -(-inputs // dut.channels)
    for tile in range(-(-outputs // rows)):
        fetches = -(-min(rows, outputs - tile * rows) // dut.ports)
        for pixel_tile in range(pixel_tiles):
            for tap in range(kernel**2):
                for block in range(blocks):
                    here = min(dut.channels, inputs - block * dut.channels)
                    for pass_index in range(passes):
                        for index in range(fetches):
                            first = tap == block == pass_index == 0
                            values = {
                                "index": index, "start": first and pixel_tile == 0, "rewind": first and pixel_tile > 0,
                                "commit": pass_index == passes - 1, "words": -(-here // SIGN_WORD),
                            }
                            for port, value in values.items():
                                ctx.set(getattr(dut, port), value)
                            ctx.set(dut.fetch, 1)
                            await ctx.tick()
                            for port in values:
                                ctx.set(getattr(dut, port), rng.getrandbits(1))
                            ctx.set(dut.fetch, 0)
                            while rng.random() < gaps:
                                await ctx.tick()
                            for p in range(dut.ports):
                                row = tile * rows + index * dut.ports + p
                                word = ctx.get(dut.signs) >> p * dut.channels & (1 << dut.channels) - 1
                                yield row, *divmod(tap, kernel), block * dut.channels, here, word


@pytest.mark.parametrize(("fetches", "ports", "channels", "layer"), [
    (4, 1, 16, (6, 3, 20, 2, 2)),  # outputs, kernel, inputs, passes, pixel tiles
    (2, 2, 16, (5, 3, 16, 4, 1)),
    (2, 4, 32, (20, 1, 70, 2, 3)),
    (1, 4, 32, (13, 3, 8, 1, 2)),
    (4, 2, 64, (20, 1, 90, 1, 2)),
    (16, 1, 16, (5, 3, 33, 1, 1)),
])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_layers(simulate, fetches, ports, channels, layer, gaps):
    """Several tiles of channels, passes, pixel tiles, ragged blocks; one layer after another with new seeds."""
    outputs, kernel, inputs, passes, pixel_tiles = layer
    dut, rng = WeightGenerator(fetches=fetches, ports=ports, channels=channels), random.Random(channels + ports)
    compared = 0

    async def testbench(ctx):
        nonlocal compared
        for _ in range(2):
            seed = rng.getrandbits(32) or 1
            expected = signs(seed, outputs, kernel, inputs)
            async for row, ky, kx, first, count, word in fetch_layer(
                ctx, dut, rng, gaps, seed, outputs, kernel, inputs, passes, pixel_tiles
            ):
                if row < outputs:
                    got = [word >> i & 1 for i in range(count)]
                    assert got == expected[row, ky, kx, first : first + count].tolist(), (row, ky, kx, first)
                    compared += 1

    simulate(dut, testbench)
    assert compared == 2 * outputs * kernel**2 * -(-inputs // channels) * passes * pixel_tiles


def test_ragged_words_are_refused():
    with pytest.raises(ValueError, match="channels must be a multiple of 16, not 24"):
        WeightGenerator(fetches=4, ports=1, channels=24)

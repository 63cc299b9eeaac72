"""A lane as one part: what a word meets on its way through it. Whole networks in several lanes are in test_engine."""

import numpy as np
import pytest

from rtl.base.ram import Ram
from rtl.lane.lane import Lane, sums_latency
from rtl.lane.requantizer import Requantizer
from spec.commands import Op, Source, encode
from spec.config import config_for
from spec.numerics import requantize

CONFIG = config_for(16, x_bytes=256, t_bytes=512)
GROUPS, ROWS = CONFIG.groups, CONFIG.rows
NUMBERS = {"shift": 6, "bias_shift": 3}
MULTIPLIER, BIAS = np.array([9, -8, 13, 5]), np.array([300, 900, 800, 500])


def weights_of(trits):
    """Bits of a row's weights: one channel of each group, its sign, or none."""
    nibbles = [1 << 3 if t is None else t[0] | (t[1] < 0) << 2 for t in trits]
    return sum(nibble << 4 * g for g, nibble in enumerate(nibbles))


@pytest.mark.parametrize("source", [Source.X, Source.T])
def test_a_word_through_the_lane(simulate, layout_of, source):
    """Written by the host, multiplied, accumulated over two passes, requantized with its residual, stored and read."""
    dut = Lane(CONFIG)
    control = dut.control
    x_word, t_word = [3 * i + 1 for i in range(16)], [250 - 7 * i for i in range(16)]
    trits = [[((r + g) % 4, 1 if (r + g) % 3 else -1) if g != r else None for g in range(GROUPS)] for r in range(ROWS)]
    word = x_word if source is Source.X else t_word
    sums = [sum(word[4 * g + t[0]] * t[1] for g, t in enumerate(row) if t) for row in trits]
    acc, residual = 2 * np.array(sums), np.array(x_word[:ROWS])
    want = requantize(acc, MULTIPLIER, BIAS, residual, residual_shift=1, signed=False, **NUMBERS).tolist()
    assert len(set(want) - {0, 255}) > 1, "the test says nothing"
    command = {"source": source, "passes": 1, "residual": 1, "residual_shift": 1, **NUMBERS}

    async def host(ctx, port, address, data):
        ctx.set(port, 1)
        for part in range(4):
            ctx.set(control.host_address, 4 * address + part)
            ctx.set(control.host_data, int.from_bytes(bytes(data[4 * part : 4 * part + 4]), "little"))
            await ctx.tick()
        ctx.set(port, 0)
        await ctx.tick()

    async def testbench(ctx):
        await host(ctx, dut.host_x, 2, x_word)
        await host(ctx, dut.host_t, 3, t_word)
        ctx.set(control.command, layout_of(encode(Op.CONV, **command)))
        for r in range(ROWS):
            ctx.set(control.weights[r], weights_of(trits[r]))
            ctx.set(control.entries[r], {"multiplier": int(MULTIPLIER[r]), "bias": int(BIAS[r])})
        for port, value in ((control.x_read.enable, 1), (control.t_read.enable, 1), (control.inside, 1),
                            (control.x_read.address, 2), (control.t_read.address, 3),
                            (control.sum.read_address, 5), (control.sum.write_address, 5)):
            ctx.set(port, value)
        await ctx.tick().repeat(Ram.LATENCY + sums_latency(GROUPS))
        for start in (1, 0):  # the sum stands; add it twice
            ctx.set(control.sum.valid, 1)
            ctx.set(control.sum.add_psum, not start)
            ctx.set(control.sum.complete, not start)
            await ctx.tick()
            ctx.set(control.sum.valid, 0)
            ctx.set(control.sum.complete, 0)
            ctx.set(control.sum.write, 1)
            await ctx.tick()
            ctx.set(control.sum.write, 0)
            await ctx.tick().repeat(Ram.LATENCY)
        assert [ctx.get(dut.psum[r]) for r in range(ROWS)] == [2 * value for value in sums]
        await ctx.tick().repeat(Requantizer.LATENCY)
        for port, value in ((control.store.enable, 1), (control.store_t, 1), (control.store.address, 7),
                            (control.store.column, 2)):
            ctx.set(port, value)
        await ctx.tick()
        ctx.set(control.store.enable, 0)
        await ctx.tick()
        ctx.set(control.command, layout_of(encode(Op.STORE, source=Source.T)))
        ctx.set(control.t_read.address, 7)
        await ctx.tick().repeat(Ram.LATENCY)
        assert list(ctx.get(dut.word).to_bytes(16, "little"))[8:12] == want

    simulate(dut, testbench)


def test_padding_is_zero(simulate, layout_of):
    """A word outside the map adds nothing, but the pool and the store see it as it is."""
    dut = Lane(CONFIG)

    async def testbench(ctx):
        ctx.set(dut.host_x, 1)
        ctx.set(dut.control.host_data, 0xFFFF_FFFF)
        await ctx.tick()
        ctx.set(dut.host_x, 0)
        for r in range(ROWS):
            ctx.set(dut.control.weights[r], weights_of([(0, 1)] * GROUPS))
        ctx.set(dut.control.x_read.enable, 1)
        for inside in (1, 0):
            ctx.set(dut.control.inside, inside)
            ctx.set(dut.control.sum.valid, 1)
            await ctx.tick().repeat(10)
            ctx.set(dut.control.sum.write, 1)
            await ctx.tick().repeat(1 + Ram.LATENCY)
            assert ctx.get(dut.word) & 0xFFFF_FFFF == 0xFFFF_FFFF
            assert ctx.get(dut.psum[0]) == 255 * inside

    simulate(dut, testbench)

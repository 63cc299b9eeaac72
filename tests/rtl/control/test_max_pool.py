"""The max pool against numpy: values, addresses and cycles."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from rtl.base.ram import Ram
from rtl.control.address_generator import AddressGenerator
from rtl.control.max_pool import MaxPool
from rtl.lane.lane import WORD_TRAVEL
from rtl.lane.pool_maximum import PoolMaximum
from spec.commands import ADDRESS_BITS, Op, encode
from spec.layer import POOL
from spec.numerics import max_pool

WRAP = (1 << ADDRESS_BITS) - 1


def command_of(height, width, words, source, out):
    """The command for a map of ``words`` words per pixel, from the definition of its fields."""
    rows, columns = ((size + 2 * POOL.pad - POOL.kernel) // POOL.stride + 1 for size in (height, width))
    return encode(
        Op.MAXPOOL, pad=POOL.pad, stride=POOL.stride, kernel=POOL.kernel, height=height, width=width, blocks=words,
        out_pixels=rows * columns, out_width=columns, out_base=out,
        source_base=source - POOL.pad * (width + 1) * words & WRAP,
        step_x=POOL.stride * words,
        step_row=(POOL.stride * width - POOL.stride * (columns - 1)) * words & WRAP,
        step_tap=(width - POOL.kernel + 1) * words & WRAP,
    )


async def pool(ctx, dut, walk, lanes, command, memories):
    """Run the command on a memory (words of bytes) per lane.

    Returns stores as (address, column, bytes of each lane), and cycles busy.
    """
    ctx.set(dut.command, command)
    ctx.set(dut.take, 1)
    await ctx.tick()
    ctx.set(dut.take, 0)
    addresses, stores, cycles = [0] * (Ram.LATENCY + WORD_TRAVEL), [], 0
    while ctx.get(dut.busy):
        cycles += 1
        if ctx.get(dut.store.enable):
            columns = [ctx.get(lane.y).to_bytes(lane.rows, "little") for lane in lanes]
            stores.append((ctx.get(dut.store.address), ctx.get(dut.store.column), columns))
        addresses = [*addresses[1:], ctx.get(walk.address)]
        await ctx.tick()
        for lane, memory in zip(lanes, memories, strict=True):
            word = memory[addresses[0] % len(memory)]  # an address in the padding reads whatever is there
            ctx.set(lane.word, int.from_bytes(word.tobytes(), "little"))
    return stores, cycles


@pytest.mark.parametrize(("word_bytes", "rows", "lanes"), [(4, 4, 1), (8, 2, 2), (10, 1, 1)])
@pytest.mark.parametrize(("height", "width", "words"), [(5, 4, 1), (4, 5, 3), (1, 1, 2), (1, 6, 1), (7, 2, 1)])
def test_pools_as_numpy_does(simulate, layout_of, word_bytes, rows, lanes, height, width, words):
    """Two maps per lane in turn; there is no word at 0 around a map, so padding that is read as such shows."""
    m, dut, walk = Module(), MaxPool(word_bytes=word_bytes, rows=rows), AddressGenerator(pools=True)
    parts = [PoolMaximum(word_bytes=word_bytes, rows=rows) for _ in range(lanes)]
    m.submodules += [dut, walk, *parts]
    wiring.connect(m, dut.windows, walk.windows)
    m.d.comb += [walk.command.eq(dut.command), walk.advance.eq(1), dut.inside.eq(walk.beat.inside)]
    for part in parts:
        m.d.comb += [part.step.eq(dut.step), part.column.eq(dut.store.column)]
    rng = np.random.default_rng(7)
    pixels = height * width
    source, out = 5, 300
    columns = word_bytes // rows

    async def testbench(ctx):
        for low in (0, 200):
            maps = rng.integers(low, 256, (lanes, height, width, words * word_bytes), dtype=np.uint8)
            memories = np.full((lanes, source + pixels * words + 20, word_bytes), 255, np.uint8)
            memories[:, source : source + pixels * words] = maps.reshape(lanes, -1, word_bytes)
            want = max_pool(maps, *POOL).reshape(lanes, -1, word_bytes)
            command = layout_of(command_of(height, width, words, source, out))
            stores, cycles = await pool(ctx, dut, walk, parts, command, memories)
            assert [(address, column) for address, column, _ in stores] == [
                (out + i, column) for i in range(want.shape[1]) for column in range(columns)
            ]
            for lane in range(lanes):
                assert b"".join(bytes_[lane] for _, _, bytes_ in stores) == want[lane].tobytes()
            assert cycles == (want.shape[1] - 1) * max(9, columns) + 8 + dut.LATENCY + columns

    simulate(m, testbench)

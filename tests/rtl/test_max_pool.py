"""The max pool against numpy: values, addresses and cycles."""

import numpy as np
import pytest

from rtl.max_pool import MaxPool
from spec.commands import ADDRESS_BITS, Op, encode
from spec.network import POOL
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


async def pool(ctx, dut, command, memory):
    """Run the command on ``memory`` (words of bytes): stores as (address, column, bytes), and cycles busy."""
    ctx.set(dut.command, command)
    ctx.set(dut.take, 1)
    await ctx.tick()
    ctx.set(dut.take, 0)
    addresses, stores, cycles = [0, 0], [], 0
    while ctx.get(dut.busy):
        cycles += 1
        if ctx.get(dut.write):
            stores.append((ctx.get(dut.write_address), ctx.get(dut.write_column), ctx.get(dut.y)))
        addresses = [addresses[1], ctx.get(dut.address)]
        await ctx.tick()
        word = memory[addresses[0] % len(memory)]  # an address in the padding reads whatever is there
        ctx.set(dut.word, int.from_bytes(word.tobytes(), "little"))
    return stores, cycles


@pytest.mark.parametrize(("word_bytes", "rows"), [(4, 4), (8, 2), (10, 1)])
@pytest.mark.parametrize(("height", "width", "words"), [(5, 4, 1), (4, 5, 3), (1, 1, 2), (1, 6, 1), (7, 2, 1)])
def test_pools_as_numpy_does(simulate, layout_of, word_bytes, rows, height, width, words):
    """Two maps in turn; there is no word at 0 around a map, so padding that is read as such shows."""
    dut = MaxPool(word_bytes=word_bytes, rows=rows)
    rng = np.random.default_rng(7)
    pixels = height * width
    source, out = 5, 300
    columns = word_bytes // rows

    async def testbench(ctx):
        for low in (0, 200):
            maps = rng.integers(low, 256, (1, height, width, words * word_bytes), dtype=np.uint8)
            memory = np.full((source + pixels * words + 20, word_bytes), 255, np.uint8)
            memory[source : source + pixels * words] = maps.reshape(-1, word_bytes)
            want = max_pool(maps, *POOL).reshape(-1, word_bytes)
            stores, cycles = await pool(ctx, dut, layout_of(command_of(height, width, words, source, out)), memory)
            assert [(address, column) for address, column, _ in stores] == [
                (out + i, column) for i in range(len(want)) for column in range(columns)
            ]
            got = b"".join(y.to_bytes(rows, "little") for _, _, y in stores)
            assert got == want.tobytes()
            assert cycles == (len(want) - 1) * max(9, columns) + 8 + dut.LATENCY + columns

    simulate(dut, testbench)

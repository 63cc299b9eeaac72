"""The maximum of windows, channel by channel, and the columns it leaves in; the walk around it is in test_max_pool."""

import random

import pytest

from rtl.lane.pool_maximum import PoolMaximum


@pytest.mark.parametrize(("word_bytes", "rows"), [(4, 4), (8, 2), (16, 4)])
def test_maximum_of_the_words_inside(simulate, word_bytes, rows):
    """Windows of any number of words, the columns of one taken in any order while the next is read."""
    dut, rng = PoolMaximum(word_bytes=word_bytes, rows=rows), random.Random(word_bytes)
    columns = word_bytes // rows
    kept = []

    async def testbench(ctx):
        for _ in range(30):
            count = rng.randint(max(1, columns), columns + 3)
            best = bytes(word_bytes)
            for index in range(count):
                word, inside = rng.randbytes(word_bytes), rng.random() < 0.7
                best = bytes(map(max, best, word)) if inside else best
                step = {"first": index == 0, "inside": inside, "keep": index == 0 and bool(kept)}
                ctx.set(dut.step, step)
                ctx.set(dut.word, int.from_bytes(word, "little"))
                column = rng.randrange(columns)
                ctx.set(dut.column, column)
                if index and kept:
                    part = kept[-1][column * rows : (column + 1) * rows]
                    assert ctx.get(dut.y) == int.from_bytes(part, "little")
                await ctx.tick()
            kept.append(best)

    simulate(dut, testbench)

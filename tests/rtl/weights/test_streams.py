# amaranth: UnusedElaboratable=no
"""Streams that merely count: where each row begins, goes on, stays and goes back to."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.weights.streams import Streams, stream_members, walk_streams

ROW, WORD, WIDTH = 1000, 7, 24


class Counting(wiring.Component):
    """Row ``m`` begins at ``first + ROW*m``, and a word is ``WORD`` further than the one before."""

    def __init__(self, fetches, ports, words, seeding, latency):
        self.shape = {"fetches": fetches, "ports": ports, "seeding": seeding, "latency": latency}
        self.words_there = words
        super().__init__(stream_members(fetches=fetches, words=words) | {
            "first": In(WIDTH), "positions": Out(WIDTH * ports * words),
        })

    def elaborate(self, platform):
        m = Module()

        def ahead(state, suffix):
            values = [Signal(WIDTH, name=f"ahead{suffix}_{word}") for word in range(self.words_there + 1)]
            m.d.comb += [value.eq(state + WORD * word) for word, value in enumerate(values)]
            return values

        positions = walk_streams(m, self, Streams(
            width=WIDTH, first=self.first, next_row=lambda row: (row + ROW)[:WIDTH],
            next_rows=lambda row: (row + ROW * self.shape["ports"])[:WIDTH], ahead=ahead, **self.shape,
        ))
        for p, values in enumerate(positions):
            for word, value in enumerate(values[:-1]):
                m.d.comb += self.positions.word_select(p * self.words_there + word, WIDTH).eq(value)
        return m


@pytest.mark.parametrize("latency", [0, 1])
@pytest.mark.parametrize("gap", [0, 1])
@pytest.mark.parametrize(("fetches", "ports", "words", "seeding"), [
    (1, 1, 1, 1), (3, 2, 2, 2), (2, 4, 1, 4), (4, 1, 4, 3),
])
def test_positions(simulate, fetches, ports, words, seeding, gap, latency):
    """Two m-tiles of three rounds over two tiles of two passes; cycles without a fetch change nothing."""
    dut = Counting(fetches, ports, words, seeding, latency)

    async def testbench(ctx):
        ctx.set(dut.first, 5)
        ctx.set(dut.load, 1)
        await ctx.tick()
        ctx.set(dut.load, 0)
        ctx.set(dut.first, 0)
        for cycle in range(seeding):
            assert ctx.get(dut.seeding) == (cycle < seeding - latency)  # so many cycles before a fetch may come
            await ctx.tick()
        assert not ctx.get(dut.seeding)
        for m_tile in range(2):
            for number in range(3):
                for tile in range(2):
                    for pass_index in range(2):
                        for index in range(fetches):
                            first = tile == pass_index == 0
                            ctx.set(dut.index, index)
                            ctx.set(dut.start, first and number == 0)
                            ctx.set(dut.rewind, first and number > 0)
                            ctx.set(dut.commit, pass_index == 1)
                            ctx.set(dut.words, words)
                            if gap:
                                ctx.set(dut.fetch, 0)
                                await ctx.tick()
                            ctx.set(dut.fetch, 1)
                            if latency:
                                await ctx.tick()
                            got = ctx.get(dut.positions)
                            expected = [
                                5 + ROW * ((m_tile * fetches + index) * ports + p) + WORD * (tile * words + word)
                                for p in range(ports) for word in range(words)
                            ]
                            assert [got >> WIDTH * i & (1 << WIDTH) - 1 for i in range(ports * words)] == expected
                            if not latency:
                                await ctx.tick()

    simulate(dut, testbench)

"""Every word of every number of words, of widths that are whole bytes and not."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.choice import CHOICE_MODULES, ByteChoice, choose


class Choice(wiring.Component):
    """One of ``count`` words of ``width`` bits; the index has a bit more than it needs."""

    def __init__(self, count, width):
        self.count, self.width = count, width
        super().__init__({"words": In(width).array(count), "index": In(8), "word": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.word.eq(choose(m, "some", list(self.words), self.index))
        return m


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16, 32, 64])
@pytest.mark.parametrize("width", [1, 8, 20, 32])
def test_it_is_the_word_of_the_index(simulate, count, width):
    dut, rng = Choice(count, width), random.Random(count)
    words = [rng.getrandbits(width) for _ in range(count)]

    async def testbench(ctx):
        for number, word in enumerate(words):
            ctx.set(dut.words[number], word)
        for index in range(256):
            ctx.set(dut.index, index)
            assert ctx.get(dut.word) == words[index % count]

    simulate(dut, testbench)


def test_each_number_of_bytes_is_a_module_of_its_own():
    assert {count: ByteChoice(count).module for count in CHOICE_MODULES} == CHOICE_MODULES

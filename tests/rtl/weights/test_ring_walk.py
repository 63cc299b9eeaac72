# amaranth: UnusedElaboratable=no
"""Ring words against :func:`spec.ring.word_indices`, fetched in the order of the hardware."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.weights.ring_walk import POSITION_BITS, RingWalk, add_modulo
from spec.ring import WORDS_MAX, draws, row_words, word_indices


class Adder(wiring.Component):
    """:func:`add_modulo` with ports."""

    a: In(POSITION_BITS)
    b: In(POSITION_BITS)
    size: In(POSITION_BITS)
    total: Out(POSITION_BITS)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.total.eq(add_modulo(self.a, self.b, self.size))
        return m


def test_modular_sums(simulate):
    dut, rng = Adder(), random.Random(1)

    async def testbench(ctx):
        for size in [1, 2, 3, 32767, 32768, WORDS_MAX, *(rng.randint(1, WORDS_MAX) for _ in range(100))]:
            for a, b in [(0, size), (size - 1, size), (size - 1, size - 1), (rng.randrange(size), rng.randrange(size))]:
                for port, value in (("a", a), ("b", b), ("size", size)):
                    ctx.set(getattr(dut, port), value)
                assert ctx.get(dut.total) == (a + b) % size, (a, b, size)

    simulate(dut, testbench)


async def fetch_layer(ctx, dut, rng, gaps, shape, draw, passes, rounds):
    """Fetch a layer as the mask walk does, its taps ``rounds`` times (planes times pixel tiles); yield (row, tap, first
    word, words)."""
    outputs, kernel, _, _ = shape
    rows, row = dut.fetches * dut.ports, row_words(shape)
    per_tap = row // kernel**2
    for port, value in (
        ("first", draw.start), ("step", draw.step), ("row_step", draw.step * row % draw.words), ("size", draw.words),
    ):
        ctx.set(getattr(dut, port), value)
    ctx.set(dut.load, 1)
    await ctx.tick()
    ctx.set(dut.load, 0)
    for port in ("first", "step", "row_step", "size"):  # it keeps its own copies
        ctx.set(getattr(dut, port), rng.getrandbits(POSITION_BITS))
    waited = 0
    while ctx.get(dut.seeding):
        waited += 1
        await ctx.tick()
    assert waited == dut.seed_cycles
    for tile in range(-(-outputs // rows)):
        fetches = -(-min(rows, outputs - tile * rows) // dut.ports)
        for number in range(rounds):
            for tap in range(kernel**2):
                for block in range(-(-per_tap // dut.tile_words)):
                    here = min(dut.tile_words, per_tap - block * dut.tile_words)
                    for pass_index in range(passes):
                        for index in range(fetches):
                            first = tap == block == pass_index == 0
                            values = {
                                "index": index, "start": first and number == 0, "rewind": first and number > 0,
                                "commit": pass_index == passes - 1, "words": here,
                            }
                            for port in values:
                                ctx.set(getattr(dut, port), rng.getrandbits(1))
                            ctx.set(dut.fetch, 0)
                            while rng.random() < gaps:
                                await ctx.tick()
                            for port, value in values.items():
                                ctx.set(getattr(dut, port), value)
                            ctx.set(dut.fetch, 1)
                            for p in range(dut.ports):
                                got = [ctx.get(dut.addresses[p * dut.tile_words + word]) for word in range(here)]
                                yield tile * rows + index * dut.ports + p, tap, block * dut.tile_words, got
                            await ctx.tick()
    ctx.set(dut.fetch, 0)


#: fetches, ports, words, seeding; shape, passes, rounds.
CASES = [
    ((4, 1, 1, 1), ((6, 3, 3, 20), 2, 2)),
    ((2, 2, 1, 2), ((5, 3, 3, 16), 4, 1)),
    ((2, 4, 2, 4), ((20, 1, 1, 70), 2, 3)),
    ((1, 4, 2, 4), ((13, 3, 3, 8), 1, 2)),
    ((4, 2, 4, 2), ((20, 1, 1, 90), 1, 2)),
    ((16, 1, 16, 4), ((18, 1, 1, 300), 1, 2)),
    ((4, 1, 8, 3), ((7, 1, 1, 200), 2, 2)),
]


@pytest.mark.parametrize(("build", "layer"), CASES)
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_layers(simulate, build, layer, gaps):
    """Rings of one word, smaller and larger than the layer, even and prime; one layer after another."""
    fetches, ports, words, seeding = build
    shape, passes, rounds = layer
    dut, rng = RingWalk(fetches=fetches, ports=ports, words=words, seeding=seeding), random.Random(words + ports)
    compared = 0

    async def testbench(ctx):
        nonlocal compared
        for size in (1, 12, 37, WORDS_MAX):
            draw = draws(size, [((rng.randrange(9), 1, 1, 16), 5), (shape, rng.getrandbits(32))])[1]
            expected = word_indices(shape, draw).reshape(shape[0], shape[1] ** 2, -1)
            async for row, tap, first, got in fetch_layer(ctx, dut, rng, gaps, shape, draw, passes, rounds):
                if row < shape[0]:
                    assert got == expected[row, tap, first : first + len(got)].tolist(), (size, row, tap, first)
                    compared += 1

    simulate(dut, testbench)
    blocks = -(-row_words(shape) // shape[1] ** 2 // words)
    assert compared == 4 * shape[0] * shape[1] ** 2 * blocks * passes * rounds


@pytest.mark.parametrize(("ports", "words", "seeding"), [(4, 1, 3), (1, 16, 3), (1, 3, 1)])
def test_too_short_a_seeding_is_refused(ports, words, seeding):
    with pytest.raises(ValueError, match=f"{seeding} cycles do not seed {ports} ports of {words} words"):
        RingWalk(fetches=4, ports=ports, words=words, seeding=seeding)


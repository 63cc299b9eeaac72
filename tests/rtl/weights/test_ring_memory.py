"""Trits of ring words as they leave the copies of the memory, whatever stalls the fetches."""

import random

import pytest

from rtl.weights.ring_memory import RingMemory
from spec.commands import Op, encode, halves
from spec.config import config_for

#: Words of the ring, the first one of a layer, its step, and the first word of the plane: fields of 16 bits, and more.
RINGS = {"small": (23, 5, 9, 32), "large": (131_101, 70_001, 80_005, 48)}

#: groups, rows, weight rows
SHAPES = {"4x4": (4, 4, 1), "8x4-by-2": (8, 4, 2), "16x4-by-4": (16, 4, 4)}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("ring", "stalls"), [("small", 0.0), ("small", 0.4), ("large", 0.0)])
def test_words_of_a_fetch(simulate, layout_of, shape, ring, stalls):
    """Every row draws its words of the plane two cycles later; channels that are not there are 0."""
    groups, rows, weight_rows = SHAPES[shape]
    size, start, step, plane = RINGS[ring]
    depth = -(-(size + plane) // 16) * 16
    config = config_for(groups * rows, groups=groups, rows=rows, weight_rows=weight_rows, ring_words=depth)
    dut, rng = RingMemory(config), random.Random(shape)
    words, channels, lanes = config.sign_words, config.word_bytes, config.weight_rows
    row_words = 2 * words  # a whole n-block, then one with a channel less than all but one index
    last = {"groups": groups - 1, "words": -(-(4 * (groups - 1)) // 16)}
    command = {
        "ring": 1, "spare_channels": 1,
        **halves(ring_start=start, ring_step=step, ring_words=size, ring_row_step=step * row_words % size),
    }
    places = [plane + (start + step * word) % size for word in range(rows * row_words)]
    memory = {place: rng.getrandbits(32) for place in places}

    def drawn(row, block, there):
        kept = negative = 0
        for word in range(words):
            content = memory[places[row * row_words + block * words + word]]
            kept |= (content & 0xFFFF) << 16 * word
            negative |= (content >> 16) << 16 * word
        return kept & (1 << there) - 1, negative

    async def testbench(ctx):
        ctx.set(dut.write.enable, 1)
        for address, word in memory.items():
            ctx.set(dut.write.address, address)
            ctx.set(dut.write.data, word)
            await ctx.tick()
        ctx.set(dut.write.enable, 0)
        ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
        ctx.set(dut.take, 1)
        await ctx.tick()
        ctx.set(dut.take, 0)
        ctx.set(dut.command, layout_of(encode(Op.HALT)))
        ctx.set(dut.plane, plane)
        while ctx.get(dut.seeding):
            await ctx.tick()
        fetches = [(block, index) for block in range(2) for index in range(config.load_cycles)]
        pipeline, done = [None, None, None], 0
        for fetch in [*fetches, None, None, None]:
            entering = {"valid": 0} if fetch is None else {
                "valid": 1, "index": fetch[1], "start": fetch[0] == 0, "commit": 1, "partial": fetch[0], **last,
            }
            ctx.set(dut.fetch, entering)
            ctx.set(dut.used, {"partial": pipeline[0][0], **last} if pipeline[0] else {})
            while True:
                if pipeline[0]:
                    block, index = pipeline[0]
                    there = 4 * (groups - 1) - 1 if block else channels
                    for p in range(lanes):
                        kept, negative = drawn(index * lanes + p, block, there)
                        part = slice(p * channels, (p + 1) * channels)
                        assert ctx.get(dut.kept[part]) == kept, (block, index, p)
                        if not block:
                            assert ctx.get(dut.negative[part]) == negative
                advance = rng.random() >= stalls
                ctx.set(dut.advance, advance)
                await ctx.tick()
                if advance:
                    break
            done += pipeline[0] is not None
            pipeline = [*pipeline[1:], fetch]
        assert done == len(fetches)

    simulate(dut, testbench)


def test_a_flipped_word_is_reported_by_the_copy_that_draws_it(simulate, layout_of):
    """Only if a ring's fetch takes it, and wherever the copy is."""
    size, start, step, plane = RINGS["small"]
    config = config_for(64, groups=8, rows=8, weight_rows=2, ring_words=64)
    dut, faults = RingMemory(config), []
    command = {"ring": 1} | halves(ring_start=start, ring_step=step, ring_words=size, ring_row_step=2 * step)

    async def testbench(ctx):
        ctx.set(dut.write.enable, 1)
        for address in range(64):
            ctx.set(dut.write.address, address)
            await ctx.tick()
        ctx.set(dut.write.enable, 0)
        last = len(dut.copies) - 1  # the second word of the second row
        flipped = plane + (start + 3 * step) % size
        stored = dut.copies[last].cells.data[flipped][0]
        ctx.set(stored, ctx.get(stored) ^ 1)
        ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
        ctx.set(dut.take, 1)
        await ctx.tick()
        ctx.set(dut.take, 0)
        ctx.set(dut.plane, plane)
        ctx.set(dut.advance, 1)
        while ctx.get(dut.seeding):
            await ctx.tick()
        for used in (0, 1):
            ctx.set(dut.fetch, {"valid": 1, "start": not used, "rewind": used})
            await ctx.tick()
            ctx.set(dut.fetch, {})
            await ctx.tick().repeat(2)
            ctx.set(dut.used, {"valid": used})
            await ctx.tick()
            ctx.set(dut.used, {})
            faults.append((ctx.get(dut.fault.valid), ctx.get(dut.fault.address)))
        assert faults[0][0] == 0
        assert faults[1] == (1, flipped)

    simulate(dut, testbench)

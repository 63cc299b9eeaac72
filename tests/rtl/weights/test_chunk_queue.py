"""The queue of chunks against a list."""

import random

import pytest

from rtl.weights.chunk_queue import ChunkQueue


@pytest.mark.parametrize("busy", [0.2, 0.5, 0.9])
def test_queue_is_a_list_of_at_most_two(simulate, busy):
    dut, rng = ChunkQueue(), random.Random(busy)

    async def testbench(ctx):
        queue, lengths = [], set()
        for first in range(2000):
            head = ctx.get(dut.head)
            assert head.valid == bool(queue)
            if queue:
                assert (head.first, head.end) == queue[0]
            assert ctx.get(dut.room) == (len(queue) < 2)
            arrive = len(queue) < 2 and rng.random() < busy
            free = bool(queue) and rng.random() < 0.5
            clear = rng.random() < 0.02
            ctx.set(dut.chunk, {"valid": arrive, "first": first, "end": first + 5})
            ctx.set(dut.free, free)
            ctx.set(dut.clear, clear)
            queue = [] if clear else queue[free:] + [(first, first + 5)] * arrive
            lengths.add(len(queue))
            await ctx.tick()
        assert lengths == {0, 1, 2}

    simulate(dut, testbench)

"""The total alone, by the tests' bench of all counters."""

import random

from rtl.host.total_counter import TotalCounter
from spec.config import config_for
from spec.registers import registers_of
from tests.rtl.host.test_counters import IDLE, Bench

OFFSETS = [register.offset for register in registers_of(config_for(16, counters="total")) if register.counter]


def test_it_counts_what_the_first_of_all_counters_does():
    """Exact at every snapshot, across clears, and held in between."""
    rng, dut = random.Random(1), TotalCounter()
    bench = Bench(dut)

    def some():
        return rng.random() < 0.8, 0, rng.random() < 0.01

    async def scenario(ctx):
        assert await bench.read_all(ctx, OFFSETS, some) == [0]
        for _ in range(40):
            for _ in range(rng.randrange(90)):
                await bench.cycle(ctx, *some())
            bench.waited = 0
            await bench.snapshot(ctx, some(), some())
            assert bench.waited == 1
            assert await bench.read_all(ctx, OFFSETS, some) == bench.copy[:1]
        assert max(bench.copy) > 40

    bench.run(scenario)


def test_a_carry_goes_from_the_low_word_to_the_high_one():
    dut = TotalCounter()
    bench = Bench(dut, limit=(1 << 32) - 4)

    async def scenario(ctx):
        await bench.cycle(ctx, *IDLE)
        await bench.cycle(ctx, *IDLE)
        ctx.set(dut.watchdog.cycles, (1 << 32) - 5)
        bench.counts[0] = (1 << 32) - 5
        for _ in range(9):
            await bench.cycle(ctx, 1, 0, 0)
        await bench.snapshot(ctx, IDLE)
        assert await bench.read_all(ctx, OFFSETS) == bench.copy[:1] == [(1 << 32) + 4]
        await bench.cycle(ctx, 1, 0, 1)
        await bench.snapshot(ctx, IDLE)
        assert await bench.read_all(ctx, OFFSETS) == [1]

    bench.run(scenario)
    assert sum(bench.expired) == 1

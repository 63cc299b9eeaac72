"""Counters against a count in Python, and their sum: whatever happens before, at and after a snapshot."""

import random

import pytest
from amaranth.sim import Simulator

from rtl.base.ports import Cause
from rtl.host.counters import Counters
from spec.config import config_for
from spec.registers import COUNTERS, registers_of

OFFSETS = [register.offset for register in registers_of(config_for(16)) if register.counter]
IDLE = (0, 0, 0)


class Bench:
    """A component with counters, each cycle of which is also counted here."""

    def __init__(self, dut, limit=0):
        self.dut = dut
        self.limit = limit
        self.counts, self.copy = [0] * len(COUNTERS), [0] * len(COUNTERS)
        self.expired, self.waited = [], 0

    async def cycle(self, ctx, running, cause, clear, snapshot=0):
        """One cycle; returns whether the word asked for will come, and whether a snapshot may come in the next one."""
        dut = self.dut
        for name, value in (("running", running), ("clear", clear)):
            ctx.set(getattr(dut, name), value)
        if hasattr(dut, "cause"):
            ctx.set(dut.cause, Cause(cause))
        ctx.set(dut.port.snapshot, snapshot)
        if snapshot:
            self.copy = list(self.counts)
        if clear:
            self.counts = [0] * len(COUNTERS)
        if running:
            self.counts[0] += 1
            self.counts[1 + cause] += 1
        *_, free, ready, expired = await ctx.tick().sample(dut.port.free, dut.port.ready, dut.expired)
        self.expired.append(expired)
        return free, ready

    async def snapshot(self, ctx, now, before=IDLE):
        """A snapshot in a cycle of ``now``, as soon as it may come after cycles of ``before``, and one of these."""
        ready = False
        while not ready:
            _, ready = await self.cycle(ctx, *before)
            self.waited += 1
        await self.cycle(ctx, *now, snapshot=1)
        await self.cycle(ctx, *before)  # the write is answered

    async def read(self, ctx, offset, meanwhile=lambda: IDLE):
        """The word at ``offset``."""
        ctx.set(self.dut.port.address, offset >> 2 & 31)
        free = False
        while not free:
            free, _ = await self.cycle(ctx, *meanwhile())
        await self.cycle(ctx, *meanwhile())
        return ctx.get(self.dut.port.word)

    async def read_all(self, ctx, offsets=OFFSETS, meanwhile=lambda: IDLE):
        """All counters."""
        words = [await self.read(ctx, offset, meanwhile) for offset in offsets]
        return [low | high << 32 for low, high in zip(words[::2], words[1::2], strict=True)]

    def run(self, scenario):
        async def testbench(ctx):
            ctx.set(self.dut.limit, self.limit)
            await scenario(ctx)

        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(testbench)
        simulator.run()


def values_after(cycles, now=IDLE, later=()):
    """What is read after ``cycles``, a snapshot in a cycle of ``now``, and cycles ``later``."""
    bench, seen = Bench(Counters()), []

    async def scenario(ctx):
        for one in cycles:
            await bench.cycle(ctx, *one)
        await bench.snapshot(ctx, now)
        for one in later:
            await bench.cycle(ctx, *one)
        seen.extend(await bench.read_all(ctx))

    bench.run(scenario)
    return seen


# Cycles of (running, cause, clear), that of the snapshot, those after it, and what is then read.
SCENARIOS = {
    "nothing-counts-while-idle": ([(0, 1, 0), (0, 2, 0)], IDLE, [], [0] * 9),
    "snapshot-excludes-its-own-cycle": ([(1, 0, 0)], (1, 1, 0), [], [1, 1] + [0] * 7),
    "values-hold-until-the-next-snapshot": ([(1, 0, 0)], (1, 0, 0), [(1, 3, 0)] * 99, [1, 1] + [0] * 7),
    "clear-leaves-the-snapshot": ([(1, 2, 0)], IDLE, [(0, 0, 1)] + [(1, 3, 0)] * 99, [1, 0, 0, 1] + [0] * 5),
    "clear-counts-its-own-cycle": ([(1, 2, 0), (1, 4, 1)], IDLE, [], [1] + [0] * 4 + [1] + [0] * 3),
    "clear-forgets-what-was-walked": ([(1, 2, 0)] * 99 + [(1, 4, 1)], IDLE, [], [1] + [0] * 4 + [1] + [0] * 3),
    "snapshot-and-clear-copies-the-old": ([(1, 0, 0)], (0, 0, 1), [], [1, 1] + [0] * 7),
    "a-counter-rises-every-cycle": ([(1, 5, 0)] * 1000, IDLE, [], [1000] + [0] * 5 + [1000] + [0] * 2),
} | {
    f"one-cycle-of-{cause.name}": ([(1, cause.value, 0)], IDLE, [], [1] + [int(other is cause) for other in Cause])
    for cause in Cause
}


@pytest.mark.parametrize(("cycles", "now", "later", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_scenario(cycles, now, later, expected):
    assert values_after(cycles, now, later) == expected


def test_everything_is_0_before_the_first_snapshot():
    """Whatever the memory holds at power-up."""
    dut = Counters()
    bench = Bench(dut)

    async def scenario(ctx):
        for word in range(64):
            ctx.set(dut.memory.data[word][0], 0xDEAD_0000 + word)
        for _ in range(70):
            await bench.cycle(ctx, 1, 0, 0)
        assert await bench.read_all(ctx) == [0] * 9
        await bench.snapshot(ctx, IDLE)
        assert await bench.read_all(ctx) == [70, 70] + [0] * 7

    bench.run(scenario)


@pytest.mark.parametrize("seed", range(3))
def test_random_cycles_match_the_model_and_sum_up(seed):
    """Snapshots as soon as they may be, reads while it counts: exact, and the total is the sum of the causes."""
    rng, bench = random.Random(seed), Bench(Counters())

    def some():
        return rng.random() < 0.8, rng.randrange(8), rng.random() < 0.004

    async def scenario(ctx):
        most = 0
        for _ in range(40):
            for _ in range(rng.randrange(0, 90)):
                await bench.cycle(ctx, *some())
            bench.waited = 0
            await bench.snapshot(ctx, some(), some())
            assert bench.waited <= 24
            copy = bench.copy
            total, *causes = seen = await bench.read_all(ctx, meanwhile=some)
            assert seen == copy
            assert total == sum(causes)
            most = max(most, total)
        assert most > 100

    bench.run(scenario)


def test_a_carry_goes_from_the_low_word_to_the_high_one():
    """From counts that a simulation does not reach by counting."""
    dut = Counters()
    bench = Bench(dut)
    before = [(7 << 32) + (1 << 32) - 20 + number for number in range(9)]

    async def scenario(ctx):
        memory = dut.memory.data
        while not (await bench.cycle(ctx, *IDLE))[1]:
            pass
        for number, value in enumerate(before):
            for half in range(2):
                ctx.set(memory[OFFSETS[2 * number + half] >> 2 & 31][0], value >> 32 * half & (1 << 32) - 1)
        bench.counts = before
        for number in range(200):
            await bench.cycle(ctx, 1, number % 8, 0)
        await bench.snapshot(ctx, IDLE)
        assert await bench.read_all(ctx) == bench.copy
        assert bench.copy[0] >> 32 == bench.copy[8] >> 32 == 8

    bench.run(scenario)


def test_the_watchdog_counts_with_it():
    bench = Bench(Counters(), 50)

    async def scenario(ctx):
        for clear in [0, 1] + [0] * 99:
            await bench.cycle(ctx, 1, 0, clear)

    bench.run(scenario)
    assert [cycle for cycle, expired in enumerate(bench.expired) if expired] == [52]

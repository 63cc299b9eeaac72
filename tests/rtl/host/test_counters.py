"""Counters against a count in Python, and their sum."""

import random

import pytest
from amaranth.sim import Simulator

from rtl.base.ports import Cause
from rtl.host.counters import Counters
from spec.registers import COUNTERS


def simulate(cycles):
    """Drive one (running, cause code, clear, snapshot) per cycle; return ``values`` as seen two cycles after each."""
    dut = Counters()
    seen = []

    async def testbench(ctx):
        for running, cause, clear, snapshot in [*cycles, (0, 0, 0, 0)]:
            ctx.set(dut.running, running)
            ctx.set(dut.cause, Cause(cause))
            ctx.set(dut.clear, clear)
            ctx.set(dut.snapshot, snapshot)
            await ctx.tick()
            seen.append([ctx.get(dut.values[i]) for i in range(len(COUNTERS))])

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen[1:]


def model(cycles):
    counts, values = [0] * len(COUNTERS), [0] * len(COUNTERS)
    for running, cause, clear, snapshot in cycles:
        if snapshot:
            values = list(counts)
        if clear:
            counts = [0] * len(COUNTERS)
        if running:
            counts[0] += 1
            counts[1 + cause] += 1
        yield values


# Cycles of (running, cause, clear, snapshot), then the values after the last one.
SCENARIOS = {
    "reset": ([(0, 0, 0, 0)], [0] * 9),
    "nothing-counts-while-idle": ([(0, 1, 0, 0), (0, 2, 0, 0), (0, 0, 0, 1)], [0] * 9),
    "snapshot-excludes-its-own-cycle": ([(1, 0, 0, 0), (1, 1, 0, 1)], [1, 1] + [0] * 7),
    "values-hold-until-the-next-snapshot": ([(1, 0, 0, 0), (1, 0, 0, 1), (1, 3, 0, 0), (1, 3, 0, 0)], [1, 1] + [0] * 7),
    "clear-leaves-the-snapshot": ([(1, 2, 0, 0), (0, 0, 0, 1), (0, 0, 1, 0)], [1, 0, 0, 1] + [0] * 5),
    "clear-counts-its-own-cycle": ([(1, 2, 0, 0), (1, 4, 1, 0), (0, 0, 0, 1)], [1] + [0] * 4 + [1] + [0] * 3),
    "snapshot-and-clear-copies-the-old": ([(1, 0, 0, 0), (0, 0, 1, 1)], [1, 1] + [0] * 7),
} | {
    f"one-cycle-of-{cause.name}": (
        [(1, cause.value, 0, 0), (0, 0, 0, 1)], [1] + [int(other is cause) for other in Cause],
    ) for cause in Cause
}


@pytest.mark.parametrize(("cycles", "expected"), SCENARIOS.values(), ids=SCENARIOS)
def test_scenario(cycles, expected):
    assert simulate(cycles)[-1] == expected


@pytest.mark.parametrize("seed", range(3))
def test_random_cycles_match_the_model_and_sum_up(seed):
    rng = random.Random(seed)
    cycles = [
        (rng.random() < 0.8, rng.randrange(8), rng.random() < 0.02, rng.random() < 0.2) for _ in range(1000)
    ]
    seen = simulate(cycles)
    assert seen == list(model(cycles))
    assert all(total == sum(causes) for total, *causes in seen)
    assert max(total for total, *_ in seen) > 20

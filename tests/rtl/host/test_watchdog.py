"""The watchdog: when it expires, and what it counts."""

import pytest
from amaranth.sim import Simulator

from rtl.host.watchdog import Watchdog


def simulate(cycles, limit, count=None):
    """Drive one (running, clear) per cycle, from ``count`` on; return (cycles, overflow, expired) in each."""
    dut, seen = Watchdog(), []

    async def testbench(ctx):
        ctx.set(dut.limit, limit)
        await ctx.tick()
        if count is not None:
            ctx.set(dut.cycles, count)
        for running, clear in cycles:
            ctx.set(dut.running, running)
            ctx.set(dut.clear, clear)
            *_, counted, overflow, expired = await ctx.tick().sample(dut.cycles, dut.overflow, dut.expired)
            seen.append((counted, overflow, expired))

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    return seen


@pytest.mark.parametrize("limit", [1, 2, 7, 256])
def test_an_inference_may_take_its_limit_and_no_more(limit):
    """Started in cycle 3, it has run ``limit`` cycles after cycle ``limit + 2``; one more, and that is told."""
    for running, expected in ((limit, []), (limit + 1, [limit + 4]), (limit + 9, [limit + 4])):
        cycles = [(0, 0)] * 2 + [(0, 1)] + [(1, 0)] * running + [(0, 0)] * 3
        assert [cycle for cycle, (*_, expired) in enumerate(simulate(cycles, limit)) if expired] == expected


def test_limit_0_is_never():
    assert not any(expired for *_, expired in simulate([(0, 1)] + [(1, 0)] * 9, 0))


def test_pauses_do_not_count_and_a_clear_starts_over():
    cycles = [(1, 0), (0, 0), (1, 0), (1, 1), (0, 0), (0, 1), (0, 0)]
    assert [counted for counted, *_ in simulate(cycles, 0)] == [0, 1, 1, 2, 1, 1, 0]


def test_it_overflows_once_and_all_bits_count():
    top = (1 << 32) - 1
    assert simulate([(0, 0), (1, 0), (1, 0)], 0, top) == [(top, 0, 0), (top, 1, 0), (0, 0, 0)]
    assert simulate([(1, 1), (0, 0)], 0, top) == [(top, 0, 0), (1, 0, 0)]
    for near in (1 << 31, (1 << 31) + 9):
        assert [e for *_, e in simulate([(1, 0)] * 3, (1 << 31) + 9, near)] == [0, near > 1 << 31, 0]

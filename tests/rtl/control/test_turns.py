"""Turns: when each result gets its own, where it waits until then, and when there is room for more."""

import random

import pytest

from rtl.control.turns import Turns

DEPTH, DELAY = 16, 5


def run(simulate, turns, due, cycles):
    """What every output is in each of ``cycles`` cycles, if results are due in the cycles ``due``."""
    dut, seen = Turns(turns=turns, depth=DEPTH, delay=DELAY), []

    async def testbench(ctx):
        for cycle in range(cycles):
            ctx.set(dut.due, cycle in due)
            ctx.set(dut.finished, cycle - DELAY in due)
            ports = ("free", "finish_address", "taken_address", "soon", "turn", "busy")
            seen.append({name: ctx.get(getattr(dut, name)) for name in ports})
            await ctx.tick()

    simulate(dut, testbench)
    return seen


def begins(due, turns):
    """``begin[i] = max(due[i], begin[i-1] + turns)``."""
    found = []
    for cycle in due:
        found.append(max(cycle, found[-1] + turns) if found else cycle)
    return found


def some_due(rng, turns):
    """Runs of up to DEPTH results, most of them one a cycle; each run only when the turns before it are over."""
    due, cycle = [], 3
    for _ in range(12):
        for _ in range(rng.randint(1, DEPTH)):
            due.append(cycle)
            cycle += 1 if rng.random() < 0.9 else rng.randint(2, 9)
        cycle = max(cycle, begins(due, turns)[-1] + turns + rng.randint(0, 3))
    return due


@pytest.mark.parametrize("turns", [2, 4, 16])
@pytest.mark.parametrize("seed", range(3))
def test_every_result_has_its_turns_in_order(simulate, turns, seed):
    due = some_due(random.Random(seed), turns)
    begun = begins(due, turns)
    seen = run(simulate, turns, set(due), begun[-1] + turns + DELAY + 9)
    soon = [cycle for cycle, now in enumerate(seen) if now["soon"]]
    assert soon == [cycle + DELAY + 1 for cycle in begun]
    for number, (cycle, first) in enumerate(zip(due, soon, strict=True)):
        assert seen[cycle + DELAY]["finish_address"] == number % DEPTH
        assert cycle + DELAY < first, "it is read before it is written"
        for turn in range(turns):
            assert (seen[first + turn]["taken_address"], seen[first + turn]["turn"]) == (number % DEPTH, turn)
    taking = {first + turn for first in soon for turn in range(turns)}
    assert all(now["turn"] == 0 for cycle, now in enumerate(seen) if cycle not in taking)


@pytest.mark.parametrize("turns", [2, 4, 16])
@pytest.mark.parametrize("seed", range(3))
def test_free_and_busy_say_what_is_on_its_way(simulate, turns, seed):
    due = some_due(random.Random(seed), turns)
    begun = begins(due, turns)
    seen = run(simulate, turns, set(due), begun[-1] + turns + DELAY + 9)
    for cycle, now in enumerate(seen):
        before = [begin for when, begin in zip(due, begun, strict=True) if when < cycle]
        assert now["free"] == (not before or before[-1] + turns <= cycle + 1), cycle
        assert now["busy"] == any(begin + DELAY + 1 >= cycle for begin in before), cycle

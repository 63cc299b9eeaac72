"""Turns of the cycle model against a queue that is stepped cycle by cycle."""

import itertools
import random

import pytest

from gen.turns import Turns
from rtl.lane.accumulator import Accumulator


def stepped(turns, segments):
    """Swaps of the runs that finish sums, when the last turn is over, and what was waited in all: one cycle at a time.

    A segment is ``(gap, ready, run)``: its first run is swapped in ``gap`` cycles after the run before, or it has no
    other (``gap`` None); its last run has its weights ``ready`` cycles after that.
    """
    words, swaps, waited = [], [], 0  # cycles in which finished pixels are in the array
    cycle, held = 0, False

    def free(now):
        """The first cycle in which a pixel could begin if all that came before ``now`` have had their turns."""
        begin = -turns
        for word in sorted(word for word in words if word < now):
            begin = max(word, begin + turns)
        return begin + turns

    for number, (gap, ready, run) in enumerate(segments):
        if gap is not None:
            cycle += gap
            words += [cycle] if held else []
        cycle += ready
        while free(cycle) > cycle + 1:
            cycle, waited = cycle + 1, waited + 1
        words += [cycle] if held and gap is None else []
        swaps.append(cycle)
        held = run >= Accumulator.TURNAROUND and number < len(segments) - 1
        words += [cycle + 1 + i for i in range(run - held)]
    return swaps, free(1 << 30), waited


@pytest.mark.parametrize("turns", [1, 2, 4, 16])
@pytest.mark.parametrize("seed", range(20))
def test_turns_are_those_of_a_queue(turns, seed):
    rng = random.Random(seed)
    segments = []
    for _ in range(8):
        run = rng.randint(1, 12)
        slots = max(segments[-1][2] if segments else run, Accumulator.TURNAROUND)
        alone = rng.random() < 0.5
        gap = slots + rng.choice([0, rng.randint(0, 20)])
        own = max(run, Accumulator.TURNAROUND) * rng.randint(1, 3)
        segments.append((None, gap, run) if alone else (gap, own, run))
    model, swaps, cycle = Turns(turns), [], 0
    for number, (gap, ready, run) in enumerate(segments):
        if gap is not None:
            cycle += gap
            model.swapped(cycle)
        cycle = model.room(cycle + ready)
        swaps.append(cycle)
        model.finish(cycle, run, ends=number == len(segments) - 1)
    assert (swaps, model.free, model.waited) == stepped(turns, segments)


def test_a_row_with_its_own_requantizer_never_waits():
    model = Turns(1)
    for start in range(0, 80, 8):
        assert model.room(start) == start
        model.finish(start, 8, ends=False)
    assert model.waited == 0


def test_turns_decide_where_a_result_comes_with_every_visit():
    """Eight pixels in four turns each: 32 cycles a run, whatever its weights take."""
    model = Turns(4)
    swaps = [model.room(0)]
    for _ in range(5):
        model.finish(swaps[-1], 8, ends=False)
        swaps.append(model.room(swaps[-1] + 8))
    assert [after - before for before, after in itertools.pairwise(swaps[1:])] == [32] * 4

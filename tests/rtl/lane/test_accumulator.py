"""The accumulator against a list of sums, at the turnaround distance, with gaps, and summing over positions."""

import random

import pytest

from rtl.lane.accumulator import Accumulator
from spec.numerics import ACC_BITS, RING_WIDTHS

ROWS, DEPTH, SUM_BITS = 3, 8, 22


def wrap(value, bits=ACC_BITS):
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def drive(simulate, visits, accumulate=0, triples=None, acc_bits=ACC_BITS):
    """Visit pixels: one (pixel, start, sums, carries) per cycle, None for a gap. Returns ``acc`` after every visit.

    ``triples`` holds the indices of the visits that triple the base, on a build with rings.
    """
    rings = {} if triples is None else {"rings": True, "acc_bits": acc_bits}
    dut = Accumulator(rows=ROWS, depth=DEPTH, sum_bits=SUM_BITS, **rings)
    results, latest, complete = [], None, 0
    rng = random.Random(0)

    async def testbench(ctx):
        nonlocal latest, complete
        schedule = [None, None, *visits, None, None]
        for cycle, visit in enumerate(schedule):
            coming = schedule[cycle + 2] if cycle + 2 < len(schedule) else None
            before = schedule[cycle - 1] if cycle else None
            ctx.set(dut.step.read_address, coming[0] if coming else rng.randrange(DEPTH))
            ctx.set(dut.step.valid, visit is not None)
            pixel, start, sums, carries = visit or (0, rng.getrandbits(1), [rng.randrange(99)] * ROWS, [1] * ROWS)
            ctx.set(dut.step.add_psum, not start and not accumulate)
            # A sum is kept until the next, unless that starts from 0.
            following = next(filter(None, schedule[cycle + 1 :]), (0, 1))
            ctx.set(dut.step.keep, accumulate and (visit is None or not following[1]))
            if triples is not None:
                ctx.set(dut.step.triple, rng.getrandbits(1) if visit is None else cycle - 2 in triples)
            for r in range(ROWS):
                ctx.set(dut.sums[r], sums[r])
            ctx.set(dut.carries, sum(carry << r for r, carry in enumerate(carries)))
            ctx.set(dut.step.write, before is not None)
            ctx.set(dut.step.write_address, before[0] if before else pixel)
            if before:
                results.append([ctx.get(dut.acc[r]) for r in range(ROWS)])
                latest = results[-1] if complete else latest
            assert latest is None or [ctx.get(dut.latest[r]) for r in range(ROWS)] == latest
            complete = visit is not None and rng.getrandbits(1)
            ctx.set(dut.step.complete, complete)
            await ctx.tick()

    simulate(dut, testbench)
    return results


def random_visit(rng, pixel, start):
    extreme = rng.choice([None, None, -(1 << SUM_BITS - 1), (1 << SUM_BITS - 1) - 1])
    sums = [rng.randrange(-(1 << SUM_BITS - 1), 1 << SUM_BITS - 1) if extreme is None else extreme for _ in range(ROWS)]
    return pixel, start, sums, [rng.getrandbits(1) for _ in range(ROWS)]


@pytest.mark.parametrize("pixels", [Accumulator.TURNAROUND, DEPTH])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_psums_of_pixels(simulate, pixels, gaps):
    """Round robin over the pixels: at four of them each comes again as early as it may."""
    rng = random.Random(pixels)
    visits, totals, expected = [], {}, []
    for i in range(1000):
        pixel = i % pixels
        while rng.random() < gaps:
            visits.append(None)
        visit = random_visit(rng, pixel, int(i < pixels or (pixel == 0 and rng.random() < 0.1)))
        visits.append(visit)
        base = [0] * ROWS if visit[1] else totals[pixel]
        totals[pixel] = [wrap(b + s + c) for b, s, c in zip(base, visit[2], visit[3], strict=True)]
        expected.append(totals[pixel])
    assert drive(simulate, visits) == expected


@pytest.mark.parametrize("gaps", [0.0, 0.5])
def test_one_sum_over_positions(simulate, gaps):
    """Where sums are kept they follow each other without any distance, whatever the memory holds."""
    rng = random.Random(7)
    visits, expected, total = [], [], [0] * ROWS
    for i in range(1000):
        while rng.random() < gaps:
            visits.append(None)
        visit = random_visit(rng, rng.randrange(DEPTH), int(i % 50 == 0))
        visits.append(visit)
        total = [wrap((0 if visit[1] else t) + s + c) for t, s, c in zip(total, visit[2], visit[3], strict=True)]
        expected.append(total)
    assert drive(simulate, visits, accumulate=1) == expected


@pytest.mark.parametrize("accumulate", [0, 1])
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_horner(simulate, accumulate, gaps):
    """In a build with rings a marked visit counts what was there before three times, in 32 bits."""
    rng, bits = random.Random(9), RING_WIDTHS.acc
    visits, triples, totals, expected = [], set(), {}, []
    for i in range(1000):
        pixel = i % Accumulator.TURNAROUND
        while rng.random() < gaps:
            visits.append(None)
        visit = random_visit(rng, pixel, int(i < Accumulator.TURNAROUND or rng.random() < 0.02))
        if not visit[1] and rng.random() < 0.3:
            triples.add(len(visits))
        factor = 3 if len(visits) in triples else 1
        visits.append(visit)
        place = 0 if accumulate else pixel
        base = [0] * ROWS if visit[1] else totals[place]
        totals[place] = [wrap(factor * b + s + c, bits) for b, s, c in zip(base, visit[2], visit[3], strict=True)]
        expected.append(totals[place])
    assert max(abs(value) for total in expected for value in total) > 1 << ACC_BITS
    assert drive(simulate, visits, accumulate, triples, bits) == expected


def test_what_was_kept_is_forgotten_without_a_sum(simulate):
    """As after an abort: then the next sum starts from 0, although no sum has ended."""
    dut = Accumulator(rows=ROWS, depth=DEPTH, sum_bits=SUM_BITS)

    async def testbench(ctx):
        ctx.set(dut.sums[0], 5)
        for valid, keep, acc in ((0, 0, None), (1, 1, 5), (1, 1, 10), (0, 1, 10), (1, 1, 15), (0, 0, 15), (1, 1, 5)):
            ctx.set(dut.step.valid, valid)
            ctx.set(dut.step.keep, keep)
            await ctx.tick()
            assert acc is None or ctx.get(dut.acc[0]) == acc

    simulate(dut, testbench)


def test_psum_is_the_word_read(simulate):
    dut = Accumulator(rows=ROWS, depth=DEPTH, sum_bits=SUM_BITS)

    async def testbench(ctx):
        for pixel in range(DEPTH):
            ctx.set(dut.step.valid, 1)
            for r in range(ROWS):
                ctx.set(dut.sums[r], -1000 * pixel - r)
            ctx.set(dut.step.write, 0)
            await ctx.tick()
            ctx.set(dut.step.valid, 0)
            ctx.set(dut.step.write, 1)
            ctx.set(dut.step.write_address, pixel)
            await ctx.tick()
        ctx.set(dut.step.write, 0)
        for pixel in range(DEPTH):
            ctx.set(dut.step.read_address, pixel)
            await ctx.tick().repeat(2)
            assert [ctx.get(dut.psum[r]) for r in range(ROWS)] == [-1000 * pixel - r for r in range(ROWS)]

    simulate(dut, testbench)


@pytest.mark.parametrize("places", [DEPTH, 2 * DEPTH])
def test_finished_sums_wait_while_others_are_summed(simulate, places):
    """What was told to wait is read two cycles after its address, whatever has been summed since at its pixel."""
    dut = Accumulator(rows=ROWS, depth=DEPTH, sum_bits=SUM_BITS, results_depth=places)
    rng, waiting, summed, read = random.Random(3), {}, None, []

    async def testbench(ctx):
        nonlocal summed
        for _ in range(400):
            finish, place = rng.random() < 0.4, rng.randrange(places)
            ctx.set(dut.step.finish, finish and summed is not None)
            ctx.set(dut.step.finish_address, place)
            ctx.set(dut.step.write, not finish)
            ctx.set(dut.step.write_address, rng.randrange(DEPTH))
            taken = rng.randrange(places)
            ctx.set(dut.step.taken_address, taken)
            # What is read in the cycle in which it is written is nobody's.
            read.append(waiting.get(taken) if not (finish and taken == place) else None)
            if len(read) > 2 and read[-3] is not None:
                assert [ctx.get(dut.latest[r]) for r in range(ROWS)] == read[-3]
            if finish and summed is not None:
                waiting[place] = summed
            sums = [rng.randrange(-(1 << SUM_BITS - 1), 1 << SUM_BITS - 1) for _ in range(ROWS)]
            ctx.set(dut.step.valid, 1)
            for r in range(ROWS):
                ctx.set(dut.sums[r], sums[r])
            summed = sums
            await ctx.tick()

    simulate(dut, testbench)
    assert sum(word is not None for word in read) > 100

"""Frames come out as they went in, whatever either side does."""

import random

import pytest
from amaranth.sim import Simulator

from rtl.host.frame_sender import FrameSender


def simulate(dut, testbench, *background):
    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.add_testbench(watchdog, background=True)
    for each in background:
        simulator.add_testbench(each, background=True)
    simulator.run()


async def watchdog(ctx):
    """A design that hangs fails."""
    await ctx.delay(20e-3)
    raise AssertionError("Still running after 20,000 cycles")


def transmit(words, *, pause, stall, seed):
    """Send (data, last) words; return what came out, and the cycles, pauses, stalls and refusals it took."""
    dut = FrameSender()
    rng = random.Random(seed)
    received, count = [], {"cycles": 0, "pauses": 0, "stalls": 0, "refusals": 0}

    async def source(ctx):
        for data, last in words:
            while rng.random() < pause:
                count["pauses"] += 1
                await ctx.tick()
            ctx.set(dut.words.payload.data, data)
            ctx.set(dut.words.payload.last, last)
            ctx.set(dut.words.valid, 1)
            await ctx.tick().until(dut.words.ready)
            ctx.set(dut.words.valid, 0)

    async def sink(ctx):
        offered = None
        while len(received) < len(words):
            ready = rng.random() >= stall
            ctx.set(dut.o.tready, ready)
            _, _, valid, data, last, wanted, taken = await ctx.tick().sample(
                dut.o.tvalid, dut.o.tdata, dut.o.tlast, dut.words.valid, dut.words.ready)
            assert offered is None or (valid and (data, last) == offered), "a word was withdrawn or changed"
            offered = (data, last) if valid and not ready else None
            if valid and ready:
                received.append((data, last))
            count["cycles"] += 1
            count["stalls"] += valid and not ready
            count["refusals"] += wanted and not taken

    simulate(dut, sink, source)
    return received, count


def frames(count, seed):
    rng = random.Random(seed)
    lengths = [rng.choice([1, 1, 2, 3, 17]) for _ in range(count)]
    return [(rng.getrandbits(32), int(i == length - 1)) for length in lengths for i in range(length)]


@pytest.mark.parametrize(("pause", "stall"), [(0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5), (0.1, 0.9), (0.9, 0.1)])
def test_words_pass_unchanged(pause, stall):
    words = frames(60, seed=1)
    received, count = transmit(words, pause=pause, stall=stall, seed=2)
    assert received == words
    assert (count["pauses"] > 0, count["stalls"] > 0) == (pause > 0, stall > 0)
    assert (count["refusals"] > 0) == (stall >= 0.5)


def test_full_throughput_and_latency_of_one():
    words = frames(60, seed=3)
    _, count = transmit(words, pause=0, stall=0, seed=4)
    assert count["cycles"] == len(words) + 1


def test_outputs_are_registers():
    """Nothing but a clock edge moves an output, full or empty."""
    dut = FrameSender()

    async def testbench(ctx):
        outputs = (dut.o.tvalid, dut.o.tdata, dut.o.tlast, dut.words.ready)
        for _ in range(4):
            ctx.set(dut.o.tready, 0)
            before = [ctx.get(signal) for signal in outputs]
            for tready, valid, data in ((0, 1, 5), (1, 0, 7), (1, 1, 9), (0, 1, 11)):
                ctx.set(dut.o.tready, tready)
                ctx.set(dut.words.valid, valid)
                ctx.set(dut.words.payload.data, data)
                assert [ctx.get(signal) for signal in outputs] == before
            await ctx.tick()
        assert not ctx.get(dut.words.ready)

    simulate(dut, testbench)


def test_reset_state_and_capacity():
    dut = FrameSender()

    async def testbench(ctx):
        assert [ctx.get(dut.o.tvalid), ctx.get(dut.words.ready)] == [0, 1]
        ctx.set(dut.words.valid, 1)
        await ctx.tick()
        assert [ctx.get(dut.o.tvalid), ctx.get(dut.words.ready)] == [1, 1]
        await ctx.tick()
        assert [ctx.get(dut.o.tvalid), ctx.get(dut.words.ready)] == [1, 0]

    simulate(dut, testbench)


def aborted(moves, *, stall, seed):
    """Offer ``moves``, each the ``last`` of a word or None for an abort, after which the source waits for the drain.

    Words have their number, from 1, as data. Returns the words that the sender took, (number, last), with (None, _) for
    an abort, and those that came out, (data, last).
    """
    dut = FrameSender()
    rng = random.Random(seed)
    out, sent = [], []

    async def source(ctx):
        for number, move in enumerate(moves, start=1):
            if move is None:
                # The engine may offer a word in the cycle of the abort: it is dropped.
                ctx.set(dut.words.valid, rng.random() < 0.5)
                ctx.set(dut.words.payload.data, number)
                ctx.set(dut.abort, 1)
                await ctx.tick()
                ctx.set(dut.abort, 0)
                ctx.set(dut.words.valid, 0)
                sent.append((None, len(out)))
                if ctx.get(dut.draining):
                    await ctx.tick().until(~dut.draining)
                assert not ctx.get(dut.o.tvalid), "drained, and still offering a word"
            else:
                ctx.set(dut.words.payload.data, number)
                ctx.set(dut.words.payload.last, move)
                ctx.set(dut.words.valid, 1)
                await ctx.tick().until(dut.words.ready)
                ctx.set(dut.words.valid, 0)
                sent.append((number, move))
        await ctx.tick().repeat(60)

    async def sink(ctx):
        offered = None
        while True:
            ready = rng.random() >= stall
            ctx.set(dut.o.tready, ready)
            _, _, valid, data, last = await ctx.tick().sample(dut.o.tvalid, dut.o.tdata, dut.o.tlast)
            assert offered is None or (valid and (data, last) == offered), "a word was withdrawn or changed"
            offered = (data, last) if valid and not ready else None
            if valid and ready:
                out.append((data, last))

    simulate(dut, source, sink)
    return sent, out


@pytest.mark.parametrize("stall", [0, 0.3, 0.8])
@pytest.mark.parametrize("seed", range(3))
def test_an_abort_closes_the_frame_and_nothing_of_it_comes_later(seed, stall):
    rng = random.Random(seed)
    moves = [rng.choice([0, 0, 0, 1, None]) for _ in range(200)] + [1]
    sent, out = aborted(moves, stall=stall, seed=seed)
    taken = [number for number, _ in sent if number is not None]
    came = [data for data, _ in out if data]
    assert came == [number for number in taken if number in set(came)], "a word was doubled, changed or out of order"
    closed = [index for index, (data, _) in enumerate(out) if data == 0]
    assert len(closed) > 5
    assert all(out[index][1] for index in closed), "what ends a cut frame is no last word"
    assert all(not out[index - 1][1] for index in closed), "a frame was closed that was complete"
    follows_last = True  # or an abort
    for number, last in sent:
        if number is None:
            follows_last = True
            continue
        if number in came:
            index = [data for data, _ in out].index(number)
            before = index == 0 or out[index - 1][1] == 1
            assert before == follows_last, "a frame begins that does not follow a last word, or the other way round"
        follows_last = last == 1
    assert out[-1] == (len(moves), 1)


@pytest.mark.parametrize(("words", "left"), [([], []), ([0], [(1, 0), (0, 1)]), ([1], [(1, 1)]),
                                             ([0, 0], [(1, 0), (0, 1)]), ([0, 1], [(1, 0), (0, 1)]),
                                             ([1, 0], [(1, 1)])])
def test_what_an_abort_leaves(words, left):
    """While the host takes nothing: the word offered stays, the one held goes, and the end of an open frame comes."""
    dut = FrameSender()

    async def testbench(ctx):
        for number, last in enumerate(words, start=1):
            ctx.set(dut.words.payload.data, number)
            ctx.set(dut.words.payload.last, last)
            ctx.set(dut.words.valid, 1)
            await ctx.tick()
        ctx.set(dut.words.payload.data, 99)
        ctx.set(dut.abort, 1)
        await ctx.tick()
        ctx.set(dut.abort, 0)
        ctx.set(dut.words.valid, 0)
        await ctx.tick().repeat(5)
        assert ctx.get(dut.draining) == bool(left)
        got = []
        ctx.set(dut.o.tready, 1)
        for _ in range(4):
            _, _, valid, data, last = await ctx.tick().sample(dut.o.tvalid, dut.o.tdata, dut.o.tlast)
            got += [(data, last)] * valid
        assert got == left
        assert not ctx.get(dut.draining)

    simulate(dut, testbench)


@pytest.mark.parametrize("sent", [0, 1, 2])
def test_source_that_stops_leaves_what_was_offered(sent):
    """Words that were taken stay on the bus until the host takes them, whatever the source does."""
    dut = FrameSender()

    async def testbench(ctx):
        for data in range(10, 10 + sent):
            ctx.set(dut.words.payload.data, data)
            ctx.set(dut.words.valid, 1)
            await ctx.tick()
        ctx.set(dut.words.valid, 0)
        ctx.set(dut.words.payload.data, 99)
        await ctx.tick().repeat(5)
        got = []
        ctx.set(dut.o.tready, 1)
        for _ in range(4):
            _, _, valid, data = await ctx.tick().sample(dut.o.tvalid, dut.o.tdata)
            got += [data] * valid
        assert got == list(range(10, 10 + sent))

    simulate(dut, testbench)

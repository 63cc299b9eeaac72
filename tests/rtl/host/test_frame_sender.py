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


@pytest.mark.parametrize("sent", [0, 1, 2])
def test_source_that_stops_leaves_what_was_offered(sent):
    """An aborted engine withdraws its words; those taken before stay on the bus until the host takes them."""
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

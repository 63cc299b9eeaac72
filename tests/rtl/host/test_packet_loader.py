# amaranth: UnusedElaboratable=no
"""Packets good and bad: what reaches the memories, what is reported, and that the next packet always works."""

import random
from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator

from rtl.base.ports import WRITE_ADDRESS_BITS
from rtl.host.packet_loader import PacketLoader
from spec.config import config_for
from spec.packets import (
    HEADER_WORDS,
    LANE_LSB,
    PACKET_MAGIC,
    PER_LANE,
    Target,
    chunk_packet,
    clear_words,
    memory_words,
    packet,
)
from spec.registers import ErrorCode

CONFIG = config_for(16, x_bytes=512, t_bytes=1024, mask_bits=4096, entries=64, commands=8)
SIZES = {Target.PROGRAM: 8 * 16, Target.MASK: 4096 // 32, Target.ENTRIES: 64, Target.X: 512 // 4, Target.T: 1024 // 4}
CHUNKS = {Target.MASK_STREAM: SIZES[Target.MASK]}


def marked(words):
    """Stream words (data, last) with tlast on the last."""
    return [(word, int(i == len(words) - 1)) for i, word in enumerate(words)]


def good(target, address, payload):
    """Stream words of a packet of ours."""
    return marked(np.frombuffer(packet(target, address, np.array(payload, "<u4").tobytes()), "<u4").tolist())


def writes_of(target, address, payload):
    return [(target, address + i, word) for i, word in enumerate(payload)]


AFTER = good(Target.T, 3, [0xDEAD_BEEF, 0x0123_4567])
AFTER_WRITES = writes_of(Target.T, 3, [0xDEAD_BEEF, 0x0123_4567])


async def watchdog(ctx):
    """A design that hangs fails."""
    await ctx.delay(20e-3)
    raise AssertionError("Still running after 20,000 cycles")


class Bench:
    """A loader with its writes, errors and stalls collected."""

    def __init__(self, *, config=CONFIG, pause=0.0, refuse=0.0, seed=0):
        self.dut = PacketLoader(config)
        self.pause, self.refuse, self.rng = pause, refuse, random.Random(seed)
        self.writes, self.errors, self.chunks = [], [], []
        self.pauses = self.refusals = self.cycles = 0

    async def send(self, ctx, words):
        i = self.dut.i
        for data, last in words:
            while self.rng.random() < self.pause:
                self.pauses += 1
                await ctx.tick()
            ctx.set(i.tdata, data)
            ctx.set(i.tlast, last)
            ctx.set(i.tvalid, 1)
            await ctx.tick().until(i.tready)
            ctx.set(i.tvalid, 0)

    async def _accept(self, ctx):
        while self.refuse:
            ctx.set(self.dut.accept, self.rng.random() >= self.refuse)
            await ctx.tick()

    async def _watch(self, ctx):
        i, write = self.dut.i, self.dut.write
        async for _, _, valid, ready, en, target, address, data, error, chunk in ctx.tick().sample(
                i.tvalid, i.tready, write.en, write.target, write.address, write.data, self.dut.error, self.dut.chunk):
            if chunk.valid:
                self.chunks.append((chunk.first, chunk.end))
            self.cycles += 1
            self.refusals += valid and not ready
            if en:
                self.writes.append((Target(target), address, data))
            if error.valid:
                self.errors.append((ErrorCode(error.code), error.info))

    def run(self, testbench, accept=1, background=()):
        async def body(ctx):
            ctx.set(self.dut.accept, accept)
            await testbench(ctx)
            await ctx.tick().repeat(2)

        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        simulator.add_testbench(body)
        for each in (watchdog, self._watch, *background):
            simulator.add_testbench(each, background=True)
        if self.refuse:
            simulator.add_testbench(self._accept, background=True)
        simulator.run()
        return self

    def receive(self, *packets):
        async def testbench(ctx):
            for words in packets:
                await self.send(ctx, words)
        return self.run(testbench)


def test_sizes_are_those_of_the_memories():
    assert memory_words(CONFIG) == SIZES | CHUNKS


@pytest.mark.parametrize("target", SIZES)
def test_packet_fills_its_memory(target):
    size = SIZES[target]
    packets = [
        (target, 0, [1, 2, 0xFFFF_FFFF]), (target, size - 1, [7]), (target, size - 4, [4, 3, 2, 1]),
        (target, 0, list(range(size))),
    ]
    bench = Bench().receive(*(good(*each) for each in packets))
    assert bench.writes == [write for each in packets for write in writes_of(*each)]
    assert bench.errors == []
    assert bench.cycles == sum(HEADER_WORDS + len(payload) for *_, payload in packets) + 2, "not a word per cycle"


def header(target, address, length):
    return [PACKET_MAGIC | target, address, length]


@pytest.mark.parametrize("lanes", [2, 8])
def test_packets_name_the_lane(lanes):
    """X and T are there once per lane, each as large as without lanes; a lane that is not there is out of range."""
    config = config_for(16 * lanes, lanes=lanes, x_bytes=512, t_bytes=1024, mask_bits=4096, entries=64, commands=8)
    bench, written = Bench(config=config), []
    beyond = [
        (target, lane << LANE_LSB | address, length)
        for target, lane, address, length in (
            (Target.X, lanes, 0, 1), (Target.T, lanes, 0, 1), (Target.X, 255, 0, 1), (Target.T, 2 * lanes - 1, 3, 1),
            (Target.X, lanes - 1, SIZES[Target.X] - 1, 2), (Target.ENTRIES, 1, 0, 1), (Target.MASK, 1, 0, 1),
            (Target.PROGRAM, 1, 0, 1),
        )
    ]

    async def watch(ctx):
        write = bench.dut.write
        async for _, _, en, target, lane, address, data in ctx.tick().sample(
                write.en, write.target, write.lane, write.address, write.data):
            if en and target in PER_LANE:
                written.append((Target(target), lane, address, data))

    async def testbench(ctx):
        for target in PER_LANE:
            for lane in range(lanes):
                payload = np.array([lane, ~lane], "<i4").tobytes()
                words = np.frombuffer(packet(target, SIZES[target] - 2, payload, lane), "<u4").tolist()
                await bench.send(ctx, marked(words))
        for target, address, length in beyond:
            await bench.send(ctx, marked([*header(target, address, length), *[5] * length]))
        await bench.send(ctx, AFTER)

    bench.run(testbench, background=[watch])
    assert bench.errors == [(ErrorCode.PACKET_RANGE, address) for _, address, _ in beyond]
    assert written[:-2] == [
        (target, lane, SIZES[target] - 2 + i, value) for target in PER_LANE for lane in range(lanes)
        for i, value in enumerate((lane, ~lane & 0xFFFF_FFFF))
    ]
    assert [(lane, address) for _, lane, address, _ in written[-2:]] == [(0, 3), (0, 4)]


M = PACKET_MAGIC
# Stream words, then the writes and the error they make.
BAD = {
    "magic": (marked([0x1234_0000, 0, 1, 5]), [], (ErrorCode.PACKET_MAGIC, 0x1234_0000)),
    "magic-off-by-a-bit": (marked([M ^ 1 << 31, 0, 1, 5]), [], (ErrorCode.PACKET_MAGIC, M ^ 1 << 31)),
    "magic-off-by-its-lowest-bit": (marked([M ^ 1 << 16, 0, 1, 5]), [], (ErrorCode.PACKET_MAGIC, M ^ 1 << 16)),
    "magic-in-one-word": (marked([0]), [], (ErrorCode.PACKET_MAGIC, 0)),
    "target": (marked([M | 6, 0, 1, 5]), [], (ErrorCode.PACKET_TARGET, M | 6)),
    "target-high-bit": (marked([M | 0x8000, 0, 1, 5]), [], (ErrorCode.PACKET_TARGET, M | 0x8000)),
    "target-wraps": (marked([M | 8, 0, 1, 5]), [], (ErrorCode.PACKET_TARGET, M | 8)),
    "range-by-one": (marked([*header(Target.X, 127, 2), 1, 2]), [], (ErrorCode.PACKET_RANGE, 127)),
    "range-address": (marked([*header(Target.ENTRIES, 64, 1), 1]), [], (ErrorCode.PACKET_RANGE, 64)),
    "range-wraps": (marked([*header(Target.X, 2**32 - 1, 2), 1, 2]), [], (ErrorCode.PACKET_RANGE, 2**32 - 1)),
    "range-24-bits": (marked([*header(Target.X, 1 << 24, 1), 1]), [], (ErrorCode.PACKET_RANGE, 1 << 24)),
    "range-length": (marked([*header(Target.X, 0, 2**32 - 1), 1]), [], (ErrorCode.PACKET_RANGE, 0)),
    "empty": (marked(header(Target.X, 5, 0)), [], (ErrorCode.PACKET_RANGE, 5)),
    "empty-with-words": (marked([*header(Target.X, 5, 0), 1, 2]), [], (ErrorCode.PACKET_RANGE, 5)),
    "short-after-magic": (marked([M | Target.X]), [], (ErrorCode.PACKET_SHORT, M | Target.X)),
    "short-after-address": (marked([M | Target.X, 9]), [], (ErrorCode.PACKET_SHORT, 9)),
    "short-after-length": (marked(header(Target.X, 9, 2)), [], (ErrorCode.PACKET_SHORT, 9)),
    "short-by-one": (
        marked([*header(Target.X, 9, 3), 4, 5]), writes_of(Target.X, 9, [4, 5]), (ErrorCode.PACKET_SHORT, 11)),
    "long-by-one": (marked([*header(Target.X, 9, 1), 4, 5]), writes_of(Target.X, 9, [4]), (ErrorCode.PACKET_LONG, 10)),
    "long-by-a-packet": (
        marked([*header(Target.X, 9, 2), 4, 5, *header(Target.X, 0, 1), 6]),
        writes_of(Target.X, 9, [4, 5]), (ErrorCode.PACKET_LONG, 11)),
}


def test_every_packet_error_is_in_the_table():
    assert {error[0] for *_, error in BAD.values()} == {code for code in ErrorCode if code.name.startswith("PACKET")}


@pytest.mark.parametrize(("rings", "unknown"), [(0, Target.MASK_STREAM), (0, Target.RING), (64, Target.MASK_STREAM)])
def test_a_memory_that_the_build_lacks_is_unknown(rings, unknown):
    """Above all others or between them; a chunk is no exception, while an inference runs or not."""
    bench = Bench(config=replace(CONFIG, streams=False, ring_words=rings))
    bench.receive(good(unknown, 0, [1]), AFTER)
    assert bench.errors == [(ErrorCode.PACKET_TARGET, M | unknown)]
    assert bench.writes == AFTER_WRITES


@pytest.mark.parametrize(("words", "writes", "error"), BAD.values(), ids=BAD)
def test_bad_packet_is_reported_once_and_the_next_one_works(words, writes, error):
    bench = Bench().receive(words, AFTER)
    assert bench.errors == [error]
    assert bench.writes == writes + AFTER_WRITES


@pytest.mark.parametrize(("pause", "refuse"), [(0, 0.5), (0.5, 0), (0.5, 0.5), (0.05, 0.9)])
def test_stalls_change_nothing(pause, refuse):
    rng = random.Random(5)
    stream, writes, errors = [], [], []
    for _ in range(60):
        if rng.random() < 0.5:
            target = rng.choice(list(SIZES))
            payload = [rng.getrandbits(32) for _ in range(rng.randint(1, 9))]
            address = rng.randint(0, SIZES[target] - len(payload))
            stream.append(good(target, address, payload))
            writes += writes_of(target, address, payload)
        else:
            words, written, error = rng.choice(list(BAD.values()))
            stream.append(words)
            writes += written
            errors.append(error)
    bench = Bench(pause=pause, refuse=refuse, seed=6).receive(*stream)
    assert (bench.writes, bench.errors) == (writes, errors)
    assert (bench.pauses > 0, bench.refusals > 0) == (pause > 0, refuse > 0)


PAYLOAD = [11, 12, 13]


@pytest.mark.parametrize("at", range(HEADER_WORDS + len(PAYLOAD)))
@pytest.mark.parametrize("offering", [0, 1], ids=["between-words", "on-a-word"])
def test_abort_drops_the_rest_silently(at, offering):
    """``at`` words went in before the abort; the packet ends as announced and the next one works."""
    bench = Bench()
    words = good(Target.X, 20, PAYLOAD)

    async def testbench(ctx):
        dut = bench.dut
        await bench.send(ctx, words[:at])
        assert ctx.get(dut.loading) == (at > 0)
        ctx.set(dut.abort, 1)
        ctx.set(dut.i.tvalid, offering)
        ctx.set(dut.i.tdata, words[at][0])
        ctx.set(dut.i.tlast, words[at][1])
        assert not ctx.get(dut.i.tready)
        await ctx.tick()
        ctx.set(dut.abort, 0)
        ctx.set(dut.i.tvalid, 0)
        assert not ctx.get(dut.loading)
        await bench.send(ctx, words[at:])
        await bench.send(ctx, AFTER)

    bench.run(testbench)
    kept = len(PAYLOAD) if at == 0 else max(0, at - HEADER_WORDS)
    assert bench.writes == writes_of(Target.X, 20, PAYLOAD[:kept]) + AFTER_WRITES
    assert bench.errors == []


@pytest.mark.parametrize("abort", [0, 1])
def test_dropping_goes_on_while_the_engine_works(abort):
    bench = Bench()

    async def testbench(ctx):
        dut = bench.dut
        await bench.send(ctx, [(0xBAD, 0)])
        ctx.set(dut.accept, 0)
        ctx.set(dut.abort, abort)
        for word in [(1, 0), (M | Target.X, 0), (3, 0)]:
            assert (ctx.get(dut.i.tready), ctx.get(dut.loading)) == (1, 0)
            await bench.send(ctx, [word])
        await bench.send(ctx, [(4, 1)])
        assert not ctx.get(dut.i.tready), "the next packet must wait for the engine"
        ctx.set(dut.abort, 0)
        ctx.set(dut.accept, 1)
        await bench.send(ctx, AFTER)

    bench.run(testbench)
    assert (bench.writes, bench.errors) == (AFTER_WRITES, [(ErrorCode.PACKET_MAGIC, 0xBAD)])


def test_nothing_is_taken_while_the_engine_works():
    """Neither between packets nor within one; the word offered waits and is taken once."""
    bench = Bench()
    taken = []

    async def testbench(ctx):
        dut = bench.dut
        for word, last in AFTER:
            ctx.set(dut.accept, 0)
            ctx.set(dut.i.tdata, word)
            ctx.set(dut.i.tlast, last)
            ctx.set(dut.i.tvalid, 1)
            loading = ctx.get(dut.loading)
            for _ in range(3):
                taken.append(ctx.get(dut.i.tready))
                await ctx.tick()
            assert ctx.get(dut.loading) == loading
            ctx.set(dut.accept, 1)
            await ctx.tick()
            ctx.set(dut.i.tvalid, 0)

    bench.run(testbench)
    assert not any(taken)
    assert bench.writes == AFTER_WRITES


@pytest.mark.parametrize(("abort", "waiting"), [((), False), ((1,), False), ((60, 255), True), ((), True)])
def test_a_clear_writes_zero_everywhere_once_it_is_over(abort, waiting):
    """Whether it is aborted, which begins it anew, or a packet waits, which is taken afterwards."""
    bench, cleared, words = Bench(), [], clear_words(CONFIG)

    async def watch(ctx):
        write = bench.dut.write
        async for _, _, clear, en, address, data in ctx.tick().sample(
                write.clear, write.en, write.address, write.data):
            if clear:
                cleared.append(address)
                assert data == 0, "a clear wrote something"
                assert not en, "a packet was written during a clear"

    async def testbench(ctx):
        dut = bench.dut
        await bench.send(ctx, good(Target.X, 0, [1]))
        ctx.set(dut.clear, 1)
        if waiting:
            ctx.set(dut.i.tdata, AFTER[0][0])
            ctx.set(dut.i.tvalid, 1)
        await ctx.tick()
        ctx.set(dut.clear, 0)
        assert ctx.get(dut.loading)
        for cycles in abort:
            await ctx.tick().repeat(cycles)
            ctx.set(dut.abort, 1)
            await ctx.tick()
            ctx.set(dut.abort, 0)
        for cycle in range(words + 1):
            assert ctx.get(dut.loading), f"over after {cycle} cycles"
            assert not ctx.get(dut.i.tready)
            await ctx.tick()
        assert not ctx.get(dut.loading)
        await bench.send(ctx, AFTER)

    bench.run(testbench, background=[watch])
    assert words == 256
    assert cleared[-words:] == list(range(words))
    assert bench.writes == [*writes_of(Target.X, 0, [1]), *AFTER_WRITES]
    assert bench.errors == []


def test_reset_state():
    bench = Bench()

    async def testbench(ctx):
        dut = bench.dut
        assert [ctx.get(s) for s in (dut.i.tready, dut.loading, dut.write.en, dut.error.valid)] == [0, 0, 0, 0]

    bench.run(testbench, accept=0)
    assert (bench.writes, bench.errors) == ([], [])


def test_the_largest_memories_are_addressable():
    most = {"x_bytes": 1 << 26, "t_bytes": 1 << 26, "mask_bits": 1 << 29, "entries": 1 << 20, "commands": 1 << 16}
    assert max(memory_words(config_for(16, **most)).values()) == 1 << WRITE_ADDRESS_BITS


def chunk(number, address, payload):
    """Stream words of a chunk."""
    return marked(np.frombuffer(chunk_packet(number, address, np.array(payload, "<u4").tobytes()), "<u4").tolist())


def streaming(testbench, **options):
    """Run ``testbench(ctx, bench)`` with an inference running and room for chunks, nothing else accepted."""
    bench = Bench(**options)

    async def body(ctx):
        ctx.set(bench.dut.running, 1)
        ctx.set(bench.dut.room, 1)
        await testbench(ctx, bench)

    return bench.run(body, accept=0)


def chunk_writes(*chunks):
    return [write for address, payload in chunks for write in writes_of(Target.MASK_STREAM, address, payload)]


@pytest.mark.parametrize("pause", [0, 0.5])
def test_chunks_arrive_while_an_inference_runs(pause):
    """Each is announced with its place, in order; 300 of them count beyond 256."""
    chunks = [(number % 2 * 8, [number, ~number & 0xFFFF_FFFF][: 1 + number % 2]) for number in range(300)]

    async def testbench(ctx, bench):
        for number, (address, payload) in enumerate(chunks):
            await bench.send(ctx, chunk(number, address, payload))

    bench = streaming(testbench, pause=pause)
    assert bench.chunks == [(address, address + len(payload)) for address, payload in chunks]
    assert bench.writes == chunk_writes(*chunks)
    assert bench.errors == []
    if not pause:
        assert bench.cycles == sum(HEADER_WORDS + 1 + len(payload) for _, payload in chunks) + 2


def test_a_chunk_waits_for_room_and_an_early_one_for_the_inference():
    """Neither keeps a start away."""
    async def testbench(ctx, bench):
        dut = bench.dut
        ctx.set(dut.running, 0)
        ctx.set(dut.accept, 1)
        words = chunk(0, 4, [1, 2])
        await bench.send(ctx, words[:1])
        ctx.set(dut.i.tvalid, 1)
        ctx.set(dut.i.tdata, words[1][0])
        assert (ctx.get(dut.i.tready), ctx.get(dut.loading)) == (0, 0)
        await ctx.tick().repeat(3)
        ctx.set(dut.running, 1)
        ctx.set(dut.accept, 0)
        await bench.send(ctx, words[1:])
        ctx.set(dut.room, 0)
        words = chunk(1, 8, [3])
        await bench.send(ctx, words[:1])
        ctx.set(dut.i.tvalid, 1)
        ctx.set(dut.i.tdata, words[1][0])
        await ctx.tick().repeat(3)
        assert not ctx.get(dut.i.tready)
        ctx.set(dut.room, 1)
        await bench.send(ctx, words[1:])

    bench = streaming(testbench)
    assert (bench.chunks, bench.errors) == ([(4, 6), (8, 9)], [])
    assert bench.writes == chunk_writes((4, [1, 2]), (8, [3]))


BAD_CHUNKS = {
    "number": (chunk(1, 9, [1]), [], (ErrorCode.STREAM_ORDER, 1 << 24 | 9)),
    "range": (chunk(0, 127, [1, 2]), [], (ErrorCode.PACKET_RANGE, 127)),
    "short": ([*chunk(0, 9, [1, 2])[:3], (1, 1)], chunk_writes((9, [1])), (ErrorCode.PACKET_SHORT, 10)),
    "long": ([*chunk(0, 9, [1])[:3], (1, 0), (2, 1)], chunk_writes((9, [1])), (ErrorCode.PACKET_LONG, 10)),
    "one-word": (marked([M | Target.MASK_STREAM]), [], (ErrorCode.PACKET_SHORT, M | Target.MASK_STREAM)),
}


@pytest.mark.parametrize(("words", "writes", "error"), BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_a_bad_chunk_is_reported_and_does_not_arrive(words, writes, error):
    async def testbench(ctx, bench):
        await bench.send(ctx, words)

    bench = streaming(testbench)
    assert (bench.errors, bench.chunks, bench.writes) == ([error], [], writes)


@pytest.mark.parametrize("hungry", [0, 1])
def test_another_packet_is_wrong_only_where_a_chunk_is_needed(hungry):
    async def testbench(ctx, bench):
        dut = bench.dut
        ctx.set(dut.hungry, hungry)
        ctx.set(dut.i.tvalid, 1)
        ctx.set(dut.i.tdata, AFTER[0][0])
        for _ in range(4):
            assert not ctx.get(dut.i.tready)
            await ctx.tick()
            if ctx.get(dut.error.valid):
                await ctx.tick()
                break
        ctx.set(dut.running, 0)
        ctx.set(dut.accept, 1)
        await bench.send(ctx, AFTER)

    bench = streaming(testbench)
    assert bench.errors == [(ErrorCode.STREAM_ORDER, AFTER[0][0])] * hungry
    assert bench.writes == AFTER_WRITES


@pytest.mark.parametrize("abort", [0, 1])
@pytest.mark.parametrize("at", range(7))
def test_chunks_of_an_inference_that_ended_are_dropped(at, abort):
    """``at`` words of the chunks went in before the end; those after another packet or a start are taken again."""
    async def testbench(ctx, bench):
        dut = bench.dut
        words = [*chunk(0, 4, [1, 2]), *chunk(1, 8, [3])]
        await bench.send(ctx, words[:at])
        ctx.set(dut.abort, abort)
        await ctx.tick()
        ctx.set(dut.abort, 0)
        ctx.set(dut.running, 0)
        ctx.set(dut.accept, 1)
        await ctx.tick()
        assert not ctx.get(dut.loading)
        await bench.send(ctx, words[at:])
        await bench.send(ctx, chunk(2, 4, [5]))
        await bench.send(ctx, AFTER)
        early = chunk(0, 16, [7])
        await bench.send(ctx, early[:1])
        ctx.set(dut.running, 1)
        ctx.set(dut.accept, 0)
        await bench.send(ctx, early[1:])

    bench = streaming(testbench)
    arrived = [(4, 6)] if at >= 5 else []
    assert bench.chunks == [*arrived, (16, 17)]
    assert bench.errors == []
    assert bench.writes == chunk_writes((4, [1, 2]))[: max(0, at - 3)] + AFTER_WRITES + chunk_writes((16, [7]))

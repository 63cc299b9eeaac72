# amaranth: UnusedElaboratable=no
"""The bridge from its line: every request, sent once and twice, whole and damaged, with room and without."""

import random
import struct

import pytest

from rtl.host.axi import Response as Axi
from rtl.serial.bridge import SerialBridge
from spec.serial_link import FLAG, FRAME_WORDS, LINK_VERSION, Flag, Request, Response, Status, encode, request, response
from spec.serial_link import unescape as content_of

DIVIDER = 4
SEND_QUEUE, FETCH_QUEUE = FRAME_WORDS, 2 * FRAME_WORDS
BIT = DIVIDER * 1e-6  # of the simulator of `simulate`
GAP = 120 * BIT  # the bridge has answered what has no payload


class Bench:
    """A bridge with a host on its line, and registers and streams on its other side that do as they are told.

    Attributes
    ----------
    registers : dict
        What they hold; another address is refused.
    writes : list
        What was written, in order.
    packets : list of (int, bool)
        Words taken, and whether each ended a packet. None are taken unless ``hungry``.
    frames : list of (int, bool)
        Words to offer.
    restarts : int
        Cycles of ``restart``.
    """

    def __init__(self, simulate):
        self.simulate = simulate
        self.dut = SerialBridge(DIVIDER, SEND_QUEUE, FETCH_QUEUE)
        self.registers, self.writes, self.packets, self.frames = {0x10: 0xCAFE_F00D}, [], [], []
        self.hungry, self.restarts, self.responses = True, 0, []

    def run(self, scenario):
        """Run ``scenario(self)`` with the rest of the bench in the background."""
        async def testbench(ctx):
            self.ctx = ctx
            await scenario(self)

        self.simulate(self.dut, testbench, self._line, self._registers, self._take, self._offer, limit=2_000_000)

    async def put(self, line, broken=()):
        """Bytes on the line; those at places in ``broken`` without their stop bit."""
        for place, byte in enumerate(line):
            for level in (0, *((byte >> i) & 1 for i in range(8)), place not in broken):
                self.ctx.set(self.dut.rx, level)
                await self.ctx.delay(BIT)
            self.ctx.set(self.dut.rx, 1)
            if place in broken:
                await self.ctx.delay(BIT)

    async def ask(self, line, broken=()):
        """The response to the request in ``line``."""
        before = len(self.responses)
        await self.put(line, broken)
        while len(self.responses) == before:
            await self.ctx.delay(10 * BIT)
        assert len(self.responses) == before + 1
        return self.responses[-1]

    async def silence(self):
        """Nothing is answered."""
        before = len(self.responses)
        await self.ctx.delay(GAP)
        assert len(self.responses) == before

    async def _line(self, ctx):
        body = b""
        while True:
            await ctx.negedge(self.dut.tx)
            await ctx.delay(1.5 * BIT)
            byte = 0
            for i in range(8):
                byte |= ctx.get(self.dut.tx) << i
                await ctx.delay(BIT)
            assert ctx.get(self.dut.tx)
            if byte != FLAG:
                body += bytes([byte])
            elif body:
                self.responses.append(response(content_of(body)))
                body = b""

    async def _registers(self, ctx):
        bus = self.dut.registers
        ctx.set(bus.arready, 1)
        while True:
            reads, _ = await ctx.changed(bus.arvalid, bus.awvalid)
            if reads:
                address = ctx.get(bus.araddr)
                await ctx.tick().repeat(4)
                assert not ctx.get(bus.arvalid)
                ctx.set(bus.rdata, self.registers.get(address, 0xBAD))
                ctx.set(bus.rresp, Axi.OKAY if address in self.registers else Axi.SLVERR)
                ctx.set(bus.rvalid, 1)
                await ctx.tick().until(bus.rready)
                ctx.set(bus.rvalid, 0)
            elif ctx.get(bus.awvalid):
                address = ctx.get(bus.awaddr)
                assert (ctx.get(bus.wvalid), ctx.get(bus.wstrb)) == (1, 15)
                self.writes.append((address, ctx.get(bus.wdata)))
                for ready, valid in ((bus.awready, bus.awvalid), (bus.wready, bus.wvalid)):
                    ctx.set(ready, 1)
                    await ctx.tick()
                    ctx.set(ready, 0)
                    assert not ctx.get(valid)
                ctx.set(bus.bresp, Axi.OKAY if address in self.registers else Axi.SLVERR)
                ctx.set(bus.bvalid, 1)
                await ctx.tick().until(bus.bready)
                ctx.set(bus.bvalid, 0)

    async def _take(self, ctx):
        bus = self.dut.packets
        while True:
            if not (ctx.get(bus.tvalid) or ctx.get(self.dut.restart)):
                await ctx.changed(bus.tvalid, self.dut.restart)
            ctx.set(bus.tready, self.hungry)
            _, _, valid, ready, data, last, restart = await ctx.tick().sample(
                bus.tvalid, bus.tready, bus.tdata, bus.tlast, self.dut.restart)
            if valid and ready:
                self.packets.append((data, bool(last)))
            self.restarts += restart

    async def _offer(self, ctx):
        bus = self.dut.frames
        while True:
            while not self.frames:
                await ctx.delay(5e-6)
            await ctx.tick()
            ctx.set(bus.tdata, self.frames[0][0])
            ctx.set(bus.tlast, self.frames[0][1])
            ctx.set(bus.tvalid, 1)
            await ctx.tick().until(bus.tready)
            ctx.set(bus.tvalid, 0)
            del self.frames[0]


@pytest.fixture
def bench(simulate):
    return Bench(simulate)


def words(values):
    return struct.pack(f"<{len(values)}I", *values)


IDLE = Flag.TAKEN  # of a bridge that nothing was sent through


def test_registers(bench):
    async def scenario(b):
        assert await b.ask(request(1, Request.READ, b"\x10")) == Response(1, Status.OK, IDLE, words([0xCAFE_F00D]))
        written = await b.ask(request(2, Request.WRITE, b"\x10" + words([0x7E7D_0102])))
        assert written == Response(2, Status.OK, IDLE, b"")
        assert b.writes == [(0x10, 0x7E7D_0102)]
        assert await b.ask(request(3, Request.READ, b"\x14")) == Response(3, Status.REFUSED, IDLE, b"")
        assert await b.ask(request(4, Request.WRITE, b"\x14" + words([5]))) == Response(4, Status.REFUSED, IDLE, b"")
        assert await b.ask(request(5, Request.READ, b"\x10")) == Response(5, Status.OK, IDLE, words([0xCAFE_F00D]))

    bench.run(scenario)


def test_poll_tells_the_interrupt(bench):
    async def scenario(b):
        for sequence, irq in enumerate((0, 1, 0)):
            b.ctx.set(b.dut.irq, irq)
            flags = IDLE | (Flag.IRQ if irq else Flag(0))
            assert await b.ask(request(sequence, Request.POLL)) == Response(sequence, Status.OK, flags, b"")

    bench.run(scenario)


def test_the_first_request_is_executed_whatever_its_number(bench):
    async def scenario(b):
        await b.ask(request(0, Request.WRITE, b"\x10" + words([3])))
        assert b.writes == [(0x10, 3)]

    bench.run(scenario)


def test_a_request_sent_again_is_answered_again_and_not_executed(bench):
    async def scenario(b):
        write = request(9, Request.WRITE, b"\x10" + words([3]))
        send = request(10, Request.SEND_LAST, words([1, 2]))
        read = request(11, Request.READ, b"\x10")
        for frame in (write, send, read):
            first = await b.ask(frame)
            b.registers[0x10] += 1
            assert await b.ask(frame) == await b.ask(frame) == first
        assert b.writes == [(0x10, 3)]
        assert b.packets == [(1, False), (2, True)]

    bench.run(scenario)


@pytest.mark.parametrize("count", [1, 2, 3, FRAME_WORDS - 1, FRAME_WORDS])
def test_words_are_sent(bench, count):
    values = [random.Random(count).getrandbits(32) for _ in range(count)]

    async def scenario(b):
        for sequence, kind in ((1, Request.SEND), (2, Request.SEND_LAST)):
            got = await b.ask(request(sequence, kind, words(values)))
            assert (got.sequence, got.status, got.payload) == (sequence, Status.OK, b"")
        await b.ctx.delay(4 * count * 1e-6)
        assert Flag.TAKEN in (await b.ask(request(3, Request.POLL))).flags
        expected = [(value, False) for value in values] * 2
        assert b.packets == [*expected[:-1], (values[-1], True)]

    bench.run(scenario)


def test_words_without_room_are_refused_whole(bench):
    """A full queue takes nothing and hinders nothing; what is in it comes out when it may."""
    async def scenario(b):
        b.hungry = False
        full, more = [*range(FRAME_WORDS)], [7, 8]
        assert (await b.ask(request(1, Request.SEND, words(full)))).status is Status.OK
        for sequence in (3, 4):
            assert await b.ask(request(sequence, Request.SEND_LAST, words(more))) == Response(
                sequence, Status.FULL, Flag(0), b"")
        assert (await b.ask(request(5, Request.READ, b"\x10"))).payload == words([0xCAFE_F00D])
        assert b.packets == []
        b.hungry = True
        await b.ctx.delay(4 * FRAME_WORDS * 1e-6)
        assert (await b.ask(request(6, Request.SEND_LAST, words(more)))).status is Status.OK
        await b.ctx.delay(20e-6)
        assert b.packets == [(value, False) for value in full] + [(7, False), (8, True)]

    bench.run(scenario)


def test_frames_are_fetched(bench):
    """A response holds no more than a frame, nor more than FRAME_WORDS words; sent again it holds the same."""
    long = [(value, value == FRAME_WORDS + 2) for value in range(FRAME_WORDS + 3)]
    short = [(0x7E7E_7E7E, False), (5, True), (6, True)]

    async def scenario(b):
        assert await b.ask(request(1, Request.FETCH)) == Response(1, Status.OK, IDLE, b"")
        b.frames += long + short
        await b.ctx.delay(2e-6 * len(long + short))
        assert await b.ask(request(1, Request.FETCH)) == Response(1, Status.OK, IDLE, b"")  # again: nothing, as before
        expected = [long[:FRAME_WORDS], long[FRAME_WORDS:], short[:2], short[2:], []]
        for sequence, part in enumerate(expected, 2):
            flags = IDLE | (Flag.LAST if part and part[-1][1] else Flag(0))
            wanted = Response(sequence, Status.OK, flags, words([value for value, _ in part]))
            assert await b.ask(request(sequence, Request.FETCH)) == wanted
            assert await b.ask(request(sequence, Request.FETCH)) == wanted

    bench.run(scenario)


def test_words_that_come_after_a_fetch_are_not_in_it_when_it_is_sent_again(bench):
    async def scenario(b):
        b.frames.append((1, False))
        await b.ctx.delay(20e-6)
        first = await b.ask(request(1, Request.FETCH))
        b.frames.append((2, True))
        await b.ctx.delay(20e-6)
        assert await b.ask(request(1, Request.FETCH)) == first == Response(1, Status.OK, IDLE, words([1]))
        assert await b.ask(request(2, Request.FETCH)) == Response(2, Status.OK, IDLE | Flag.LAST, words([2]))

    bench.run(scenario)


def test_a_full_queue_of_frames_stalls_the_accelerator(bench):
    """Words that were fetched make room only with the next request: they may be asked for again."""
    async def scenario(b):
        b.frames += [(value, False) for value in range(FETCH_QUEUE + 2)]
        await b.ctx.delay(3e-6 * FETCH_QUEUE)
        assert len(b.frames) == 2
        await b.ask(request(1, Request.FETCH))
        assert len(b.frames) == 2
        await b.ask(request(2, Request.POLL))
        assert b.frames == []

    bench.run(scenario)


def test_reset(bench):
    """It empties both queues and resets the accelerator for a while, each time it is asked for."""
    async def scenario(b):
        b.hungry = False
        b.frames += [(1, False), (2, True)]
        await b.ask(request(1, Request.SEND, words([1, 2, 3])))
        for times in (1, 2):
            assert await b.ask(request(2, Request.RESET)) == Response(2, Status.OK, IDLE, words([LINK_VERSION]))
            assert b.restarts == 16 * times
        b.hungry = True
        assert await b.ask(request(3, Request.FETCH)) == Response(3, Status.OK, IDLE, b"")
        await b.ask(request(4, Request.SEND_LAST, words([4])))
        await b.ctx.delay(20e-6)
        assert b.packets == [(4, True)]

    bench.run(scenario)


@pytest.mark.parametrize("content", [
    bytes([2, len(Request)]), bytes([2, 0xFF, 0x10]), bytes([2, Request.POLL, 0]), bytes([2, Request.READ]),
    bytes([2, Request.READ, 0x10, 0]), bytes([2, Request.WRITE, 0x10, 1, 2, 3]), bytes([2, Request.SEND]),
    bytes([2, Request.SEND, 1, 2, 3]), bytes([2, Request.SEND_LAST, 1, 2, 3, 4, 5]), bytes([2, Request.FETCH, 0]),
    bytes([2, Request.SEND, *bytes(4 * FRAME_WORDS + 4)]), bytes([2, Request.RESET, 0]),
])
def test_what_is_no_request_is_invalid(bench, content):
    async def scenario(b):
        assert await b.ask(encode(content)) == Response(2, Status.INVALID, IDLE, b"")
        await b.ctx.delay(20e-6)
        assert (b.packets, b.writes, b.restarts) == ([], [], 0)
        assert (await b.ask(request(3, Request.SEND_LAST, words([9])))).status is Status.OK
        await b.ctx.delay(20e-6)
        assert b.packets == [(9, True)]

    bench.run(scenario)


def test_a_damaged_request_is_answered_so_and_does_nothing(bench):
    """A lost byte, a changed one, one without stop bit; the response before can still be asked for."""
    async def scenario(b):
        read, send = request(1, Request.READ, b"\x10"), request(2, Request.SEND_LAST, words([1, 2, 3]))
        first = await b.ask(read)
        for line in (send[:5] + send[6:], send[:5] + bytes([send[5] ^ 1]) + send[6:], b"\x55" + send[:1]):
            assert await b.ask(line) == Response(1, Status.CORRUPT, IDLE, b"")
        assert await b.ask(send, broken=[7]) == Response(1, Status.CORRUPT, IDLE, b"")
        assert await b.ask(read) == first
        assert b.packets == []
        assert (await b.ask(send)).status is Status.OK
        await b.ctx.delay(20e-6)
        assert b.packets == [(1, False), (2, False), (3, True)]

    bench.run(scenario)


def test_after_a_break_a_request_works(bench):
    async def scenario(b):
        b.ctx.set(b.dut.rx, 0)
        await b.ctx.delay(100 * BIT)
        b.ctx.set(b.dut.rx, 1)
        await b.silence()
        await b.put(bytes([FLAG]))
        await b.ctx.delay(GAP)
        assert [r.status for r in b.responses] == [Status.CORRUPT]
        assert (await b.ask(request(1, Request.READ, b"\x10"))).payload == words([0xCAFE_F00D])

    bench.run(scenario)


def test_a_request_that_does_not_wait_for_the_response_is_lost_whole(bench):
    """Also when its end arrives after the response: the rest of a frame is none."""
    async def scenario(b):
        for late in (Request.WRITE, Request.SEND_LAST):
            payload = b"\x10" + words([4]) if late is Request.WRITE else words([*range(40)])
            await b.put(request(1, Request.READ, b"\x10") + request(2, late, payload))
            await b.silence()
            assert [r.sequence for r in b.responses] == [1]
            assert (b.writes, b.packets) == ([], [])
            b.responses.clear()
        assert (await b.ask(request(3, Request.POLL))).sequence == 3

    bench.run(scenario)


def test_a_queue_shorter_than_a_frame_is_refused():
    with pytest.raises(ValueError, match=f"The queue must hold the {FRAME_WORDS} words of a frame, not 32"):
        SerialBridge(DIVIDER, send_queue=32)

"""The host port: AXI-Lite answers, starts, frames, packets."""

from amaranth.hdl import Assert, Assume, Cat, Cover, Elaboratable, Module, Mux, Signal, Value
from amaranth.hdl._ast import Initial

from formal.harness import Inside, any_constant, assert_held, assume_held, free, implies, past
from rtl.host.axi import Response
from rtl.host.frame_sender import FrameSender
from rtl.host.packet_loader import PacketLoader, _Step
from rtl.host.registers import RegisterPort
from spec.config import AcceleratorConfig, config_for
from spec.packets import LANE_LSB, PER_LANE, Target, clear_words, memory_words
from spec.registers import COUNTERS, OFFSET_BITS, offset_of

__all__ = [
    "ClearsAll", "DroppedByAbort", "FramesApart", "FramesInOrder", "RegisterAnswers", "StartsWhenReady", "WritesWithin",
]


def _register_port(m: Module) -> tuple[RegisterPort, Inside]:
    """The host's registers, with a manager that keeps to the rules of AXI and anything at all inside."""
    inside = Inside(m, dut := RegisterPort(config_for(16)))
    bus = dut.bus
    free(m, bus.awaddr, bus.awvalid, bus.wdata, bus.wstrb, bus.wvalid, bus.bready, bus.araddr, bus.arvalid, bus.rready)
    free(m, dut.busy, dut.loading, dut.done, dut.load_error, dut.command_error, dut.position)
    free(m, dut.counters.ready, dut.counters.free, dut.counters.word)
    assume_held(m, bus.awvalid, bus.awready, bus.awaddr)
    assume_held(m, bus.wvalid, bus.wready, Cat(bus.wdata, bus.wstrb))
    assume_held(m, bus.arvalid, bus.arready, bus.araddr)
    return dut, inside


def _of_counter(address: Signal) -> Value:
    """Whether a counter has a register there."""
    first, last = offset_of(f"{COUNTERS[0][0]}_LOW"), offset_of(f"{COUNTERS[-1][0]}_HIGH")
    return (address >= first) & (address <= last) & ~address[:2].any()


class RegisterAnswers(Elaboratable):
    """Addresses and data that were taken and not answered are at most one each; answers are held; none comes without
    its question; and none later than 3 cycles after it, or after the counters were ready for a snapshot, or free to be
    read.
    """

    def elaborate(self, platform):
        m = Module()
        dut, inside = _register_port(m)
        bus, counters = dut.bus, dut.counters
        assert_held(m, bus.bvalid, bus.bready, bus.bresp)
        assert_held(m, bus.rvalid, bus.rready, Cat(bus.rdata, bus.rresp))
        answered, read = bus.bvalid & bus.bready, bus.rvalid & bus.rready
        addresses, words, reads, waiting_write, waiting_read = (
            Signal(3, name=name) for name in ("addresses", "words", "reads", "waiting_write", "waiting_read")
        )
        written, asked = (Signal(OFFSET_BITS, name=name) for name in ("written", "asked"))
        waits_write, waits_read = (Signal(name=name) for name in ("waits_write", "waits_read"))
        m.d.sync += [
            addresses.eq(addresses + (bus.awvalid & bus.awready) - answered),
            words.eq(words + (bus.wvalid & bus.wready) - answered),
            reads.eq(reads + (bus.arvalid & bus.arready) - read),
            waiting_write.eq(Mux((addresses == 1) & (words == 1) & ~bus.bvalid, waiting_write + ~waits_write, 0)),
            waiting_read.eq(Mux((reads == 1) & ~bus.rvalid, waiting_read + ~waits_read, 0)),
        ]
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += written.eq(bus.awaddr)
        with m.If(bus.arvalid & bus.arready):
            m.d.sync += asked.eq(bus.araddr)
        m.d.comb += [
            waits_write.eq((waiting_write == 0) & (written == offset_of("SNAPSHOT")) & ~counters.ready),
            waits_read.eq((waiting_read == 0) & _of_counter(asked) & ~past(m, (reads == 1) & counters.free)),
        ]
        m.d.comb += [
            Assert((addresses == ~bus.awready) & (words == ~bus.wready) & (reads == ~bus.arready)),
            Assert(implies(bus.bvalid, (addresses == 1) & (words == 1))),
            Assert(implies(bus.rvalid, reads == 1)),
            Assert((waiting_write <= 2) & (waiting_read <= 2)),
            # What is inside, which makes it inductive.
            Assert(implies(addresses == 1, written == inside["bus.write__address"])),
            Assert(implies(reads == 1, asked == inside["bus.read__address"])),
            Assert((waiting_write == 1) == inside["bus.write__strobe"]),
            Assert((waiting_read == 1) == inside["bus.read__strobe"]),
            Cover(answered & (bus.bresp == Response.OKAY)),
            Cover(read & (bus.rresp == Response.SLVERR)),
        ]
        return m


class StartsWhenReady(Elaboratable):
    """A start is for one cycle, asked for the cycle before, and not while busy, loading, failed or aborting."""

    def elaborate(self, platform):
        m = Module()
        dut, _ = _register_port(m)
        hindered = dut.busy | dut.loading | dut.failed | dut.abort | dut.load_error.valid
        asked = past(m, dut.start_asked & ~hindered)
        m.d.comb += [
            Assert(implies(dut.start | dut.clear, past(m, ~hindered))),
            Assert(~(dut.start & dut.clear)),
            Assert(implies(dut.start, asked)),
            Assert(implies(asked, dut.start | dut.clear)),
            Assert(implies(past(m, dut.start_asked), ~dut.start_asked)),
            Cover(dut.clear),
            Cover(dut.start),
            Cover(dut.start_asked & dut.failed),
        ]
        return m


class FramesInOrder(Elaboratable):
    """Words of the stream come out unchanged, in order, each once: word number n, of any n, is what went in as n. An
    abort takes back the word that is not offered yet, and where a frame is open puts in one that ends it.

    Numbers are modulo 8; as at most 2 words are inside, they tell words apart.
    """

    def elaborate(self, platform):
        m = Module()
        inside = Inside(m, dut := FrameSender())
        words, out = dut.words, dut.o
        free(m, words.payload, words.valid, out.tready, dut.abort)
        sent = Cat(out.tdata, out.tlast)
        assert_held(m, out.tvalid, out.tready, sent)
        taken, given, offered = Signal(3), Signal(3), Signal(3)
        watched, word, opened = any_constant(m, 3, "watched"), Signal(len(sent)), Signal()
        push, pop = words.valid & words.ready & ~dut.abort, out.tvalid & out.tready
        end = 1 << len(out.tdata)  # no data, and the last
        m.d.comb += offered.eq(given + out.tvalid)
        m.d.sync += [taken.eq(taken + push), given.eq(given + pop), opened.eq(Mux(pop, ~out.tlast, opened))]
        with m.If(push & (taken == watched)):
            m.d.sync += word.eq(words.payload)
        cut = Mux(out.tvalid, ~out.tlast, opened)
        with m.If(dut.abort):
            m.d.sync += taken.eq(offered + cut)
            with m.If(offered == watched):
                m.d.sync += word.eq(end)
        holding = inside["holding"]
        m.d.comb += [
            Assert(implies(out.tvalid & (given == watched), sent == word)),
            Assert((taken - given)[:3] == out.tvalid + holding),
            Assert(implies(holding, out.tvalid & ~words.ready)),
            Assert(implies(holding & ((given + 1)[:3] == watched), Value.cast(inside["held"]) == word)),
            Assert(implies(~out.tvalid, opened == ~out.tlast)),
            Cover(pop & (given == watched) & (watched == 5)),
            Cover(holding),
            Cover(past(m, dut.abort) & holding),
        ]
        return m


class FramesApart(Elaboratable):
    """A frame that an abort cuts off is closed: what comes out is frame after frame, each ended by ``tlast``, and no
    word of one that was cut comes out after the first word of the next, or once the sender says that it has drained.

    Bit 0 of the data marks what begins a frame: the first word of the stream, one after a last one, and the first one
    after an abort. On the way out such a word must follow a ``tlast``, and no other may. Bit 1 tells apart what came
    before and after the last abort: of the former, ``stale`` words are still to come out.
    """

    def elaborate(self, platform):
        m = Module()
        inside = Inside(m, dut := FrameSender())
        words, out = dut.words, dut.o
        free(m, words.payload, words.valid, out.tready, dut.abort)
        begins, opened, parity, stale = Signal(init=1), Signal(), Signal(), Signal(2)
        first, age = words.payload.data[0], words.payload.data[1]
        push, pop = words.valid & words.ready & ~dut.abort, out.tvalid & out.tready
        m.d.sync += [
            begins.eq(dut.abort | Mux(push, words.payload.last, begins)),
            opened.eq(Mux(pop, ~out.tlast, opened)),
            parity.eq(parity ^ dut.abort),
        ]
        holding, held = inside["holding"], inside["held"]
        cut = Mux(out.tvalid, ~out.tlast, opened)
        with m.If(dut.abort):
            m.d.sync += stale.eq((out.tvalid & ~out.tready) + cut)
        with m.Elif(pop & (stale != 0)):
            m.d.sync += stale.eq(stale - 1)
        last_offered, last_held = out.tlast, Value.cast(held)[-1]
        m.d.comb += [
            Assume(implies(words.valid, (first == begins) & (age == parity))),
            Assert(implies(out.tvalid, out.tdata[0] == ~opened)),
            Assert(implies(stale != 0, dut.draining) & implies(dut.draining, out.tvalid)),
            Assert(implies(out.tvalid & (stale == 0), out.tdata[1] == parity)),
            # What is inside, which makes it inductive.
            Assert(implies(holding, out.tvalid & (Value.cast(held)[0] == last_offered))),
            Assert(implies(holding & (stale != 2), Value.cast(held)[1] == parity)),
            Assert(stale <= out.tvalid + holding),
            Assert(implies(holding & (stale == 2), last_held)),
            Assert(implies(out.tvalid & ~holding & (stale == 1), last_offered)),
            Assert(implies(holding & (stale == 1), last_offered)),
            Assert(implies(stale == 0, begins == Mux(holding, last_held, Mux(out.tvalid, last_offered, ~opened)))),
            Assert(implies(holding & (stale == 1), begins == last_held)),
            Assert(implies((stale != 0) & (stale == out.tvalid + holding), begins)),
            Assert(implies(~out.tvalid, opened == ~out.tlast)),
            Cover(past(m, pop & out.tlast, 2) & past(m, dut.abort, 5) & past(m, out.tvalid, 6) & (stale == 0)),
            Cover((stale == 2) & past(m, stale == 2)),
        ]
        return m


def _loader(m: Module, config: AcceleratorConfig) -> tuple[Inside, PacketLoader]:
    """A packet loader with any host, and an engine that does not run while its memories may be written."""
    inside = Inside(m, dut := PacketLoader(config))
    free(m, dut.i.tdata, dut.i.tvalid, dut.i.tlast)
    free(m, dut.accept, dut.running, dut.room, dut.hungry, dut.abort, dut.clear)
    clears = dut.clear | inside["clearing"]
    m.d.comb += Assume(~(dut.accept & dut.running) & ~(clears & dut.running))
    m.d.comb += Assume(implies(dut.clear, ~past(m, dut.loading) & ~Initial()))
    return inside, dut


class WritesWithin(Elaboratable):
    """Whatever words the host sends, in whatever order: every write is of a word that its memory has, comes in the
    cycle after a word was taken, and only while the memories may be written, or while an inference runs for a chunk.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config

    def elaborate(self, platform):
        m = Module()
        inside, dut = _loader(m, self.config)
        step, target, left = inside["step"], inside["target"], inside["remaining"]
        address, streaming = (inside["passed"] + (dut.write.en | dut.write.clear))[:32], inside.unnamed(1, -1)
        count, last = left[:-1], left[-1]
        lane_end = LANE_LSB + len(dut.write.lane)
        within = Signal(32)
        m.d.comb += within.eq(address)
        with m.If(_one_of(target, PER_LANE)):
            m.d.comb += within[LANE_LSB:lane_end].eq(0)
        size = self._size(m, target)
        begun = (step == _Step.ADDRESS) | (step == _Step.LENGTH) | (step == _Step.PAYLOAD)
        may = past(m, dut.accept) | past(m, dut.running) & (dut.write.target == Target.MASK_STREAM)
        m.d.comb += [
            Assert(implies(dut.write.en, dut.write.address < self._size(m, dut.write.target))),
            Assert(implies(dut.write.en, may & past(m, dut.i.tvalid & dut.i.tready))),
            # What is inside, which makes it inductive.
            Assert(implies(begun, (size != 0) & (streaming == (target == Target.MASK_STREAM)))),
            Assert(implies((step == _Step.ADDRESS) | (step == _Step.LENGTH), ~dut.write.en)),
            Assert(implies((step == _Step.LENGTH) | (step == _Step.PAYLOAD), ~inside["clearing"] & ~dut.write.clear)),
            Assert(implies(step == _Step.LENGTH, inside["space"] == (size - within)[:33].as_signed())),
            Assert(implies(step == _Step.PAYLOAD, (count != 0) & (last == (count == 1)) & (within + count <= size))),
            *(Cover(dut.write.en & (dut.write.target == target)) for target in memory_words(self.config)),
        ]
        return m

    def _size(self, m: Module, target) -> Signal:
        """Words of the memory ``target``, 0 if there is none."""
        size = Signal(32, name="size")
        with m.Switch(target):
            for memory, words in memory_words(self.config).items():
                with m.Case(memory):
                    m.d.comb += size.eq(words)
        return size


class DroppedByAbort(Elaboratable):
    """In the cycle after an abort no packet is half received and nothing is written. Words to be dropped are taken as
    they come, and none of them is written.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config

    def elaborate(self, platform):
        m = Module()
        inside, dut = _loader(m, self.config)
        drops, half = inside["step"] == _Step.DROP, dut.loading & ~inside["clearing"]
        m.d.comb += [
            Assert(implies(past(m, dut.abort), ~half & ~dut.write.en)),
            Assert(implies(drops, dut.i.tready & ~half)),
            Assert(implies(past(m, drops), ~dut.write.en)),
            Assert(implies(past(m, dut.abort & half), drops)),
            Cover(past(m, dut.abort & half)),
        ]
        return m


class ClearsAll(Elaboratable):
    """Between a clear and the next cycle that is not ``loading`` every word of the activation memories, any that is
    watched, is written with 0 and nothing else is written, whatever the host sends and however often it aborts.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config

    def elaborate(self, platform):
        m = Module()
        inside, dut = _loader(m, self.config)
        words = clear_words(self.config)
        watched, written = any_constant(m, words.bit_length() - 1, "watched"), Signal()
        clearing, passed, write = inside["clearing"], inside["passed"], dut.write
        hit = write.clear & (write.address == watched)
        m.d.sync += written.eq(Mux(dut.clear | clearing & dut.abort, 0, written | hit))
        counted = (passed + write.clear)[:32]
        m.d.comb += [
            Assert(implies(past(m, clearing) & ~clearing, written | hit)),
            Assert(implies(past(m, dut.clear), clearing)),
            Assert(implies(clearing, dut.loading & ~(dut.i.tready & (inside["step"] != _Step.DROP)))),
            Assert(implies(write.clear, (write.data == 0) & (write.address < words))),
            Assert(implies(clearing, ~write.en) & ~(write.clear & write.en)),
            # What is inside, which makes it inductive.
            Assert(implies(write.clear, past(m, clearing))),
            Assert(implies(clearing & ~past(m, dut.clear), counted <= words)),
            Assert(implies(clearing & write.clear, write.address == passed)),
            Assert(implies(clearing & (counted > watched), written | hit)),
            Assert(implies(past(m, dut.clear | clearing & dut.abort), ~write.clear & (passed == 0))),
            Cover(written & (watched == 5)),
            Cover(past(m, clearing & dut.abort) & past(m, write.clear)),
        ]
        return m


def _one_of(value, choices) -> Value:
    return Cat(value == one for one in choices).any()

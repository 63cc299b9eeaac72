"""The register port as a host sees it: scenarios are tables of steps, with stalls on every channel."""

import random

import pytest
from amaranth.hdl import Value
from amaranth.sim import Simulator

from rtl.host.axi import Response
from rtl.host.registers import RegisterPort
from spec.config import config_for
from spec.registers import COUNTERS, MAGIC, OFFSET_BITS, REGISTERS, VERSION, Access, ErrorCode, offset_of

CONFIG = config_for(16)

START, DONE, IDLE, READY, ABORT, CLEAR = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 8, 1 << 9
DONE_IRQ, ERROR_IRQ = 1 << 0, 1 << 1
AT_RESET = {"CONTROL": IDLE | READY, "MAGIC": MAGIC, "VERSION": VERSION, "CONFIG_HASH": CONFIG.hash, "FEATURES": 5}


async def watchdog(ctx):
    """A design that hangs fails."""
    await ctx.delay(20e-3)
    raise AssertionError("Still running after 20,000 cycles")


class Host:
    """An AXI4-Lite manager that stalls at random, with a protocol check and counts of the port's pulses."""

    def __init__(self, stall=0.0, seed=0, config=CONFIG):
        self.dut = RegisterPort(config)
        self.bus = self.dut.bus
        self.words = [0] * 32  # of the counters
        self.stall, self.rng = stall, random.Random(seed)
        self.delayed = 0
        self.waits = {"b": 0, "r": 0}
        self.pulses = dict.fromkeys(("start", "abort", "snapshot", "clear"), 0)

    def _delay(self):
        delay = 0
        while self.rng.random() < self.stall:
            delay += 1
        self.delayed += delay
        return delay

    async def _pause(self, ctx):
        for _ in range(self._delay()):
            await ctx.tick()

    async def write(self, ctx, address, value, strobes=0xF, *, aw=None, w=None):
        """Write with the address offered after ``aw`` cycles and the data after ``w``; random if not given."""
        bus = self.bus
        waits = {"aw": self._delay() if aw is None else aw, "w": self._delay() if w is None else w}
        ctx.set(bus.awaddr, address)
        ctx.set(bus.wdata, value)
        ctx.set(bus.wstrb, strobes)
        while waits:
            for channel in waits:
                ctx.set(getattr(bus, f"{channel}valid"), waits[channel] <= 0)
            _, _, *ready = await ctx.tick().sample(*(getattr(bus, f"{channel}ready") for channel in waits))
            for (channel, wait), taken in zip(list(waits.items()), ready, strict=True):
                waits[channel] = wait - 1
                if wait <= 0 and taken:
                    del waits[channel]
                    ctx.set(getattr(bus, f"{channel}valid"), 0)
        ctx.set(bus.awaddr, 0xA4)  # what was taken must not matter any more
        ctx.set(bus.wdata, 0x5A5A_5A5A)
        await self._pause(ctx)
        ctx.set(bus.bready, 1)
        response, = await ctx.tick().sample(bus.bresp).until(bus.bvalid)
        ctx.set(bus.bready, 0)
        return response

    async def read(self, ctx, address):
        """Response and data."""
        bus = self.bus
        await self._pause(ctx)
        ctx.set(bus.araddr, address)
        ctx.set(bus.arvalid, 1)
        await ctx.tick().until(bus.arready)
        ctx.set(bus.arvalid, 0)
        ctx.set(bus.araddr, 0xA4)
        await self._pause(ctx)
        ctx.set(bus.rready, 1)
        response, data = await ctx.tick().sample(bus.rresp, bus.rdata).until(bus.rvalid)
        ctx.set(bus.rready, 0)
        return response, data

    async def pulse(self, ctx, name, **fields):
        """One cycle of an input of the port, of a struct with ``valid`` and ``fields`` if there are any."""
        signal = getattr(self.dut, name)
        ctx.set(signal, {"valid": 1, **fields} if fields else 1)
        await ctx.tick()
        ctx.set(signal, {"valid": 0} if fields else 0)

    async def _watch(self, ctx):
        """Answers must be held until taken."""
        bus, dut = self.bus, self.dut
        held = {"b": None, "r": None}
        async for _, _, bvalid, bready, bresp, rvalid, rready, rresp, rdata, *pulses in ctx.tick().sample(
                bus.bvalid, bus.bready, bus.bresp, bus.rvalid, bus.rready, bus.rresp, bus.rdata,
                dut.start, dut.abort, dut.counters.snapshot, dut.clear):
            for channel, valid, ready, answer in (("b", bvalid, bready, bresp), ("r", rvalid, rready, (rresp, rdata))):
                assert held[channel] is None or (valid and answer == held[channel]), "an answer was not held"
                held[channel] = answer if valid and not ready else None
                self.waits[channel] += valid and not ready
            for name, pulse in zip(self.pulses, pulses, strict=True):
                self.pulses[name] += pulse

    async def _count(self, ctx):
        """Counters that are free and ready now and then: a word comes two cycles after its address, or never."""
        port, rng, coming, ready = self.dut.counters, random.Random(7), [0xBAD] * 2, False
        while True:
            free = rng.random() < 0.3
            ctx.set(port.free, free)
            ctx.set(port.word, coming.pop(0))
            ctx.set(port.ready, rng.random() < 0.2)
            _, _, address, was_ready, snapshot = await ctx.tick().sample(port.address, port.ready, port.snapshot)
            assert not snapshot or ready, "a snapshot while the counters are not ready"
            coming.append(self.words[address] if free else 0xBAD)
            ready = was_ready

    def run(self, *testbenches):
        simulator = Simulator(self.dut)
        simulator.add_clock(1e-6)
        for testbench in testbenches:
            simulator.add_testbench(testbench)
        simulator.add_testbench(self._watch, background=True)
        simulator.add_testbench(self._count, background=True)
        simulator.add_testbench(watchdog, background=True)
        simulator.run()

    def play(self, steps):
        """Run scenario ``steps``; each is a tuple that starts with what to do."""
        async def testbench(ctx):
            for number, (what, *arguments) in enumerate(steps):
                where = f"step {number}: {what} {arguments}"
                match what:
                    case "write":
                        name, value = arguments
                        assert await self.write(ctx, offset_of(name), value) is Response.OKAY, where
                    case "read":
                        name, expected = arguments
                        response, value = await self.read(ctx, offset_of(name))
                        assert (response, hex(value)) == (Response.OKAY, hex(expected)), where
                    case "bad write":
                        assert await self.write(ctx, *arguments) is Response.SLVERR, where
                    case "bad read":
                        assert await self.read(ctx, *arguments) == (Response.SLVERR, 0), where
                    case "words":
                        self.words = arguments[0]
                    case "set":
                        ctx.set(getattr(self.dut, arguments[0]), arguments[1])
                    case "pulse":
                        await self.pulse(ctx, arguments[0], **(arguments[1] if arguments[1:] else {}))
                    case "irq" | "failed":
                        assert ctx.get(getattr(self.dut, what)) == arguments[0], where
                    case "pulses":
                        await ctx.tick()
                        assert tuple(self.pulses.values()) == tuple(arguments), where
                    case "program_start":
                        assert ctx.get(self.dut.program_start) == arguments[0], where
        self.run(testbench)
        assert (self.delayed > 0) == (self.stall > 0)


def error_is(code, info, *, ready=False):
    return [("read", "ERROR", code), ("read", "ERROR_INFO", info), ("read", "CONTROL", IDLE | READY * ready)]


LOAD = ("pulse", "load_error", {"code": ErrorCode.PACKET_RANGE, "info": 0x89AB_CDEF})
UNKNOWN_COMMAND = ("pulse", "command_error", {"info": 0x1234})
CLEARED = [("write", "ERROR", 0), ("read", "ERROR", 0), ("read", "CONTROL", IDLE | READY)]

# "pulses" are starts, aborts, snapshots and clears so far.
SCENARIOS = {
    "start": [
        ("write", "PROGRAM_START", 0xFFFF_BEEF), ("read", "PROGRAM_START", 0xBEEF), ("program_start", 0xBEEF),
        ("pulses", 0, 0, 0, 0), ("write", "CONTROL", START), ("pulses", 1, 0, 0, 0),
        ("set", "busy", 1), ("read", "CONTROL", 0), ("set", "busy", 0), ("read", "CONTROL", IDLE | READY),
    ],
    "control-bits-that-do-not-start": [
        ("write", "CONTROL", 0xFFFF_FFFF & ~START & ~ABORT & ~CLEAR), ("pulses", 0, 0, 0, 0),
        *error_is(0, 0, ready=True),
    ],
    "start-while-busy": [
        ("write", "PROGRAM_START", 0x77), ("set", "busy", 1), ("write", "CONTROL", START), ("pulses", 0, 0, 0, 0),
        ("set", "busy", 0), *error_is(ErrorCode.START_BUSY, 0x77), *CLEARED,
        ("write", "CONTROL", START), ("pulses", 1, 0, 0, 0),
    ],
    "start-while-loading": [
        ("set", "loading", 1), ("read", "CONTROL", IDLE), ("write", "CONTROL", START), ("pulses", 0, 0, 0, 0),
        ("set", "loading", 0), *error_is(ErrorCode.START_BUSY, 0), *CLEARED,
        ("write", "CONTROL", START), ("pulses", 1, 0, 0, 0),
    ],
    "start-with-an-error-pending": [
        LOAD, ("write", "CONTROL", START), ("pulses", 0, 0, 0, 0), *error_is(ErrorCode.PACKET_RANGE, 0x89AB_CDEF),
        *CLEARED, ("read", "ERROR_INFO", 0x89AB_CDEF), ("write", "CONTROL", START), ("pulses", 1, 0, 0, 0),
    ],
    "abort": [
        ("set", "busy", 1), ("write", "CONTROL", ABORT), ("pulses", 0, 1, 0, 0), ("set", "busy", 0),
        *error_is(0, 0, ready=True), ("read", "INTERRUPT_STATUS", 0),
    ],
    "abort-beats-start": [
        ("write", "CONTROL", START | ABORT), ("pulses", 0, 1, 0, 0), *error_is(0, 0, ready=True),
        ("set", "busy", 1), ("write", "CONTROL", START | ABORT), ("pulses", 0, 2, 0, 0), ("read", "ERROR", 0),
    ],
    "clear": [
        ("write", "CONTROL", CLEAR), ("pulses", 0, 0, 0, 1), *error_is(0, 0, ready=True),
        ("write", "CONTROL", START | CLEAR), ("pulses", 0, 0, 0, 2), *error_is(0, 0, ready=True),
        ("write", "CONTROL", ABORT | CLEAR), ("pulses", 0, 1, 0, 2), *error_is(0, 0, ready=True),
    ],
    "clear-while-busy-or-loading": [
        ("write", "PROGRAM_START", 0x77), ("set", "busy", 1), ("write", "CONTROL", CLEAR), ("pulses", 0, 0, 0, 0),
        ("set", "busy", 0), *error_is(ErrorCode.START_BUSY, 0x77), ("write", "CONTROL", CLEAR), ("pulses", 0, 0, 0, 0),
        *CLEARED, ("set", "loading", 1), ("write", "CONTROL", CLEAR), ("pulses", 0, 0, 0, 0), ("set", "loading", 0),
        *error_is(ErrorCode.START_BUSY, 0x77), *CLEARED, ("write", "CONTROL", CLEAR), ("pulses", 0, 0, 0, 1),
    ],
    "snapshot": [
        ("write", "SNAPSHOT", 1), ("pulses", 0, 0, 1, 0), ("write", "SNAPSHOT", 0xFFFF_FFFE), ("pulses", 0, 0, 1, 0),
    ],
    "done-clears-on-read": [
        ("pulse", "done"), ("read", "INTERRUPT_STATUS", DONE_IRQ), ("read", "CONTROL", DONE | IDLE | READY),
        ("read", "CONTROL", IDLE | READY), ("read", "INTERRUPT_STATUS", DONE_IRQ),
    ],
    "done-survives-other-accesses": [
        ("pulse", "done"), ("read", "ERROR", 0), ("write", "CONTROL", 0), ("bad read", 0x01),
        ("bad write", 0x00, 1, 0x7), ("read", "CONTROL", DONE | IDLE),
    ],
    "done-clears-on-start": [("pulse", "done"), ("write", "CONTROL", START), ("read", "CONTROL", IDLE | READY)],
    "done-survives-a-refused-start": [
        ("pulse", "done"), ("set", "loading", 1), ("write", "CONTROL", START), ("read", "CONTROL", DONE | IDLE),
    ],
    "interrupt-of-done": [
        ("write", "INTERRUPT_ENABLE", DONE_IRQ), ("write", "INTERRUPT_GLOBAL", 1), LOAD, ("irq", 0),
        ("pulse", "done"), ("irq", 1), ("write", "INTERRUPT_STATUS", ERROR_IRQ), ("irq", 1),
        ("write", "INTERRUPT_GLOBAL", 0), ("irq", 0), ("write", "INTERRUPT_GLOBAL", 1), ("irq", 1),
        ("write", "INTERRUPT_STATUS", DONE_IRQ), ("irq", 0), ("read", "INTERRUPT_STATUS", 0),
    ],
    "interrupt-of-error": [
        ("write", "INTERRUPT_ENABLE", ERROR_IRQ), ("write", "INTERRUPT_GLOBAL", 1), ("pulse", "done"), ("irq", 0),
        LOAD, ("irq", 1), ("read", "INTERRUPT_STATUS", DONE_IRQ | ERROR_IRQ),
        ("write", "INTERRUPT_STATUS", ERROR_IRQ), ("irq", 0), UNKNOWN_COMMAND, ("irq", 0), *CLEARED[:2],
        UNKNOWN_COMMAND, ("irq", 1),
    ],
    "interrupts-are-masked": [("pulse", "done"), LOAD, ("write", "INTERRUPT_GLOBAL", 1), ("irq", 0)],
    "error-is-a-lamp": [("failed", 0), UNKNOWN_COMMAND, ("failed", 1), *CLEARED, ("failed", 0)],
    "command-error": [UNKNOWN_COMMAND, *error_is(ErrorCode.COMMAND, 0x1234), *CLEARED],
    "first-error-stays": [
        UNKNOWN_COMMAND, LOAD, ("bad read", 0xFC), ("set", "busy", 1), ("write", "CONTROL", START), ("set", "busy", 0),
        *error_is(ErrorCode.COMMAND, 0x1234), *CLEARED, LOAD, *error_is(ErrorCode.PACKET_RANGE, 0x89AB_CDEF),
    ],
    "position": [
        ("set", "position", {"command": 0xABCD, "iteration": 0x1234}), ("read", "POSITION", 0x1234_ABCD),
        ("write", "POSITION", 0), ("read", "POSITION", 0x1234_ABCD),
    ],
    "counters": [
        ("words", [0x89AB_CD00 + i for i in range(32)]),
        *(("read", f"{name}_LOW", 0x89AB_CD00 + (16 + 2 * i) % 32) for i, (name, _) in enumerate(COUNTERS)),
        *(("read", f"{name}_HIGH", 0x89AB_CD00 + (17 + 2 * i) % 32) for i, (name, _) in enumerate(COUNTERS)),
    ],
    "a-snapshot-waits-and-nothing-else-does": [
        *(("write", "SNAPSHOT", 1) for _ in range(9)), ("pulses", 0, 0, 9, 0), ("write", "SNAPSHOT", 0),
        ("pulses", 0, 0, 9, 0), ("bad write", offset_of("SNAPSHOT"), 1, 0x7), ("pulses", 0, 0, 9, 0),
    ],
    "partial-writes-do-nothing": [
        ("write", "MODEL_HASH", 0xCAFE_F00D),
        *(("bad write", offset_of("MODEL_HASH"), 0, strobes) for strobes in range(15)),
        ("bad write", offset_of("CONTROL"), START | ABORT, 0x7), ("pulses", 0, 0, 0, 0),
        ("read", "MODEL_HASH", 0xCAFE_F00D), *error_is(ErrorCode.REGISTER, offset_of("MODEL_HASH")),
        ("bad write", offset_of("ERROR"), 0, 0x1), ("read", "ERROR", ErrorCode.REGISTER), *CLEARED,
    ],
    "refusals-count-once": [("bad read", 0xFC), *CLEARED, ("bad write", 0xFC, 0), *CLEARED],
    "unaligned-is-unknown": [("bad read", 0x11), *error_is(ErrorCode.REGISTER, 0x11), *CLEARED, ("bad write", 0x1E, 5),
                             *error_is(ErrorCode.REGISTER, 0x1E), ("read", "MODEL_HASH", 0)],
}


@pytest.mark.parametrize("steps", SCENARIOS.values(), ids=SCENARIOS)
def test_scenario(steps):
    Host(stall=0.4, seed=1).play(steps)


@pytest.mark.parametrize("code", [code for code in ErrorCode if code.name.startswith("PACKET")])
def test_packet_errors_pass_through_and_clear(code):
    Host().play([("pulse", "load_error", {"code": code, "info": 100 + code}), *error_is(code, 100 + code), *CLEARED])


def access_mask(register, *accesses):
    return sum((1 << f.width) - 1 << f.lsb for f in register.fields if f.access in accesses)


def test_every_register_resets_and_keeps_exactly_what_is_writable():
    """Against the description: written with all ones, then all zeros, only RW fields follow."""
    steps = [("read", register.name, AT_RESET.get(register.name, 0)) for register in REGISTERS]
    for value in (0xFFFF_FFFF, 0):
        for register in REGISTERS:
            if register.name != "CONTROL":
                steps.append(("write", register.name, value))
        for register in REGISTERS:
            kept = value & access_mask(register, Access.RW) | AT_RESET.get(register.name, 0)
            steps.append(("read", register.name, kept))
    Host().play(steps)


def test_every_other_address_is_refused():
    host = Host()
    known = {register.offset for register in REGISTERS}

    async def testbench(ctx):
        for address in range(1 << OFFSET_BITS):
            if address in known:
                continue
            assert await host.read(ctx, address) == (Response.SLVERR, 0)
            assert (await host.read(ctx, offset_of("ERROR_INFO")))[1] == address
            assert await host.write(ctx, offset_of("ERROR"), 0) is Response.OKAY
            assert await host.write(ctx, address, 0xFFFF_FFFF) is Response.SLVERR
            assert (await host.read(ctx, offset_of("ERROR")))[1] == ErrorCode.REGISTER
            assert await host.write(ctx, offset_of("ERROR"), 0xFFFF_FFFF) is Response.OKAY
        assert sum(host.pulses.values()) == 0

    host.run(testbench)


@pytest.mark.parametrize(("aw", "w"), [(0, 0), (0, 1), (1, 0), (0, 7), (7, 0)])
def test_address_and_data_come_in_any_order(aw, w):
    host = Host()

    async def testbench(ctx):
        for value in (0x1111_1111, 0x2222_2222):
            assert await host.write(ctx, offset_of("MODEL_HASH"), value, aw=aw, w=w) is Response.OKAY
            assert await host.read(ctx, offset_of("MODEL_HASH")) == (Response.OKAY, value)

    host.run(testbench)


def test_reads_and_writes_do_not_wait_for_each_other():
    """A read goes through while a write is half done and while its answer waits, and the other way round."""
    host = Host()
    bus = host.bus

    async def testbench(ctx):
        ctx.set(bus.awvalid, 1)
        ctx.set(bus.awaddr, offset_of("MODEL_HASH"))
        await ctx.tick()
        ctx.set(bus.awvalid, 0)
        assert await host.read(ctx, offset_of("MAGIC")) == (Response.OKAY, MAGIC)
        ctx.set(bus.wvalid, 1)
        ctx.set(bus.wstrb, 0xF)
        ctx.set(bus.wdata, 0xABCD)
        await ctx.tick()
        ctx.set(bus.wvalid, 0)
        await ctx.tick().repeat(2)
        assert (ctx.get(bus.bvalid), ctx.get(bus.awready), ctx.get(bus.wready)) == (1, 0, 0)
        assert await host.read(ctx, offset_of("MODEL_HASH")) == (Response.OKAY, 0xABCD)
        ctx.set(bus.bready, 1)
        await ctx.tick()
        ctx.set(bus.bready, 0)

        ctx.set(bus.arvalid, 1)
        ctx.set(bus.araddr, offset_of("VERSION"))
        await ctx.tick().repeat(3)
        assert (ctx.get(bus.rvalid), ctx.get(bus.arready)) == (1, 0)
        ctx.set(bus.arvalid, 0)
        assert await host.write(ctx, offset_of("MODEL_HASH"), 0xEF) is Response.OKAY
        assert (ctx.get(bus.rvalid), ctx.get(bus.rdata)) == (1, VERSION)

    host.run(testbench)


def test_random_traffic_on_both_channels_at_once():
    host = Host(stall=0.5, seed=9)
    written = []

    async def writer(ctx):
        for value in range(1, 60):
            written.append(value)
            assert await host.write(ctx, offset_of("MODEL_HASH"), value) is Response.OKAY

    async def reader(ctx):
        last = 0
        while len(written) < 59:
            low = max(0, len(written) - 1)
            response, value = await host.read(ctx, offset_of("MODEL_HASH"))
            assert response is Response.OKAY
            assert max(last, low) <= value <= len(written), "a write was lost, repeated or reordered"
            last = value
        assert last > 0

    host.run(writer, reader)
    assert min(host.waits.values()) > 10


# Cycles after the address is offered: the access strobes in cycle 2, and the next one 4 cycles later.
STROBE, PERIOD = 2, 4


@pytest.mark.parametrize("cycle", range(8))
def test_done_is_seen_exactly_once_however_it_meets_a_read(cycle):
    host = Host()
    seen = []

    async def reader(ctx):
        for _ in range(3):
            _, value = await host.read(ctx, offset_of("CONTROL"))
            seen.append(bool(value & DONE))

    async def engine(ctx):
        for _ in range(cycle):
            await ctx.tick()
        await host.pulse(ctx, "done")

    host.run(reader, engine)
    assert seen == [cycle < STROBE, cycle >= STROBE and cycle < STROBE + PERIOD, cycle >= STROBE + PERIOD]


LOAD_FIELDS = {"code": ErrorCode.PACKET_RANGE, "info": 1}

# Input pulsed, register written to clear what it set, and what that register reads if the pulse was kept.
CLEARS = {
    "interrupt-done": ("done", {}, "INTERRUPT_STATUS", DONE_IRQ, DONE_IRQ),
    "interrupt-error": ("load_error", LOAD_FIELDS, "INTERRUPT_STATUS", ERROR_IRQ, ERROR_IRQ),
    "error": ("load_error", LOAD_FIELDS, "ERROR", 0, ErrorCode.PACKET_RANGE),
    "command-error": ("command_error", {"info": 1}, "ERROR", 0, ErrorCode.COMMAND),
}


@pytest.mark.parametrize("cycle", range(5))
@pytest.mark.parametrize(("name", "fields", "register", "value", "expected"), CLEARS.values(), ids=CLEARS)
def test_set_wins_over_a_simultaneous_clear(name, fields, register, value, expected, cycle):
    host = Host()

    async def software(ctx):
        await host.write(ctx, offset_of(register), value)
        _, seen = await host.read(ctx, offset_of(register))
        assert seen == (expected if cycle >= STROBE else 0)

    async def engine(ctx):
        for _ in range(cycle):
            await ctx.tick()
        await host.pulse(ctx, name, **fields)

    host.run(software, engine)


def test_errors_of_one_cycle_have_an_order():
    """The program's, the packet's, the write's, the read's; each is dropped in turn from the most important one on."""
    expected = [
        (ErrorCode.COMMAND, 5), (ErrorCode.PACKET_MAGIC, 6), (ErrorCode.REGISTER, 0xF0), (ErrorCode.REGISTER, 0xF4),
    ]
    for first, (code, info) in enumerate(expected):
        host = Host()

        async def testbench(ctx, host=host, first=first, code=code, info=info):
            dut, bus = host.dut, host.bus
            ctx.set(bus.awaddr, 0xF0)
            ctx.set(bus.araddr, 0xF4)
            for valid, order in ((bus.awvalid, 2), (bus.wvalid, 2), (bus.arvalid, 3)):
                ctx.set(valid, first <= order)
            await ctx.tick()
            for valid in (bus.awvalid, bus.wvalid, bus.arvalid):
                ctx.set(valid, 0)
            await ctx.tick()
            ctx.set(dut.command_error, {"valid": first <= 0, "info": 5})
            ctx.set(dut.load_error, {"valid": first <= 1, "code": ErrorCode.PACKET_MAGIC, "info": 6})
            await ctx.tick()
            ctx.set(Value.cast(dut.command_error), 0)
            ctx.set(Value.cast(dut.load_error), 0)
            ctx.set(bus.rready, 1)
            await ctx.tick()
            ctx.set(bus.rready, 0)
            assert (await host.read(ctx, offset_of("ERROR")))[1] == code
            assert (await host.read(ctx, offset_of("ERROR_INFO")))[1] == info

        host.run(testbench)


def test_reset_state_of_the_outputs():
    host = Host()

    async def testbench(ctx):
        dut, bus = host.dut, host.bus
        outputs = (
            dut.start, dut.abort, dut.counters.snapshot, dut.clear, dut.irq, dut.program_start, bus.bvalid, bus.rvalid,
        )
        assert [ctx.get(signal) for signal in outputs] == [0] * len(outputs)

    host.run(testbench)

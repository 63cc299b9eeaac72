"""The registers of the host, generated from ``spec.registers``: protocol, storage and meaning, one component each."""

import operator
from functools import reduce

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS, CommandError, Position
from rtl.host.axi import AxiLite, Response
from rtl.host.counters import CounterPort
from rtl.host.packet_loader import LoadError
from spec.config import AcceleratorConfig
from spec.registers import OFFSET_BITS, Access, ErrorCode, Field, identity, offset_of, registers_of

__all__ = ["RegisterBus", "RegisterFile", "RegisterPort"]

#: One write: ``strobe`` for one cycle, ``coming`` in the cycle before, ``refused`` in the same cycle. ``whole``: all
#: four bytes are written. It does not come while it must ``wait``.
_WRITE = wiring.Signature({
    "coming": Out(1), "strobe": Out(1), "refused": In(1), "wait": In(1),
    "address": Out(OFFSET_BITS), "data": Out(AXI_BITS), "whole": Out(1),
})

#: One read: ``asked`` until it is answered; ``strobe`` for one cycle, the next after one in which it need not ``wait``,
#: and ``data`` or ``refused`` in the same cycle.
_READ = wiring.Signature({
    "asked": Out(1), "strobe": Out(1), "refused": In(1), "wait": In(1),
    "address": Out(OFFSET_BITS), "data": In(AXI_BITS),
})


class RegisterBus(wiring.Component):
    """AXI4-Lite subordinate: turns the five channels into one strobe per write and one per read.

    The strobe comes two cycles after the address (and, for a write, the data, in either order) was taken, or the cycle
    after the last one in which the access must ``wait``; the answer is offered in the cycle after it and held until
    taken. Reads and writes do not wait for each other; each has one access outstanding, at best one every 4 cycles. All
    outputs of the bus are registers.

    Members
    -------
    bus : In(AxiLite(OFFSET_BITS))
        The manager. ``awprot`` and ``arprot`` are ignored.
    write : Out(Signature)
        ``coming``, ``strobe``, ``address``, ``data``, ``whole``, answered by ``refused`` and ``wait``.
    read : Out(Signature)
        ``asked``, ``strobe``, ``address``, answered by ``data``, ``refused`` and ``wait``.
    """

    bus: In(AxiLite(OFFSET_BITS))
    write: Out(_WRITE)
    read: Out(_READ)

    def elaborate(self, platform):
        m = Module()

        bus, write, read = self.bus, self.write, self.read
        aw_held, w_held, ar_held = Signal(), Signal(), Signal()
        m.d.comb += [
            bus.awready.eq(~aw_held),
            bus.wready.eq(~w_held),
            bus.arready.eq(~ar_held),
            write.coming.eq(aw_held & w_held & ~write.strobe & ~bus.bvalid & ~write.wait),
            read.asked.eq(ar_held),
        ]
        m.d.sync += write.strobe.eq(write.coming)
        m.d.sync += read.strobe.eq(ar_held & ~read.strobe & ~bus.rvalid & ~read.wait)
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += [aw_held.eq(1), write.address.eq(bus.awaddr)]
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += [w_held.eq(1), write.data.eq(bus.wdata), write.whole.eq(bus.wstrb.all())]
        with m.If(write.strobe):
            m.d.sync += bus.bvalid.eq(1)
            m.d.sync += bus.bresp.eq(Mux(write.refused, Response.SLVERR, Response.OKAY))
        with m.If(bus.bvalid & bus.bready):
            m.d.sync += [bus.bvalid.eq(0), aw_held.eq(0), w_held.eq(0)]

        with m.If(bus.arvalid & bus.arready):
            m.d.sync += [ar_held.eq(1), read.address.eq(bus.araddr)]
        with m.If(read.strobe):
            m.d.sync += [bus.rvalid.eq(1), bus.rdata.eq(read.data)]
            m.d.sync += bus.rresp.eq(Mux(read.refused, Response.SLVERR, Response.OKAY))
        with m.If(bus.rvalid & bus.rready):
            m.d.sync += [bus.rvalid.eq(0), ar_held.eq(0)]

        return m


def _field_members(field: Field) -> dict:
    """Members of the port of ``field``."""
    width = field.width
    return {
        Access.RO: {"value": In(width)},
        Access.RW: {"value": Out(width)},
        Access.WO: {"strobe": Out(width)},
        Access.RC: {"value": Out(width), "set": In(width), "clear": In(1)},
        Access.W1C: {"value": Out(width), "set": In(width)},
        Access.WC: {"value": In(width), "strobe": Out(1)},
    }[field.access]


class RegisterFile(wiring.Component):
    """Every register that the build has, at its offset, with every field behaving as its ``Access``
    says.

    Answers in the cycle of the strobe; the access stands at least one cycle before that, and a write says that its
    strobe is coming. All strobes of WO fields are registers. An address that is no
    register's offset, and a write that is not whole, are refused without any effect. A bit set and cleared in the same
    cycle is set. Everything kept here resets to 0.

    Parameters
    ----------
    config : AcceleratorConfig
        Says which counters there are.

    Members
    -------
    write, read : In(Signature)
        From a :class:`RegisterBus`.
    counters : Out(CounterPort())
        What SNAPSHOT takes and their registers show.
    * : Out(Signature)
        Each register, by its name in lower case. One port per field, by access:
        RO: ``value : In``, what reads see.
        RW: ``value : Out``, what was written last.
        WO: ``strobe : Out``, the bits written as 1, for one cycle.
        RC, W1C: ``value : Out``; ``set : In``, bits to set; RC also ``clear : In(1)``, clear without a read.
        WC: ``value : In``, what reads see; ``strobe : Out(1)``, a write asks to clear it.
    """

    def __init__(self, config: AcceleratorConfig):
        registers = registers_of(config)
        #: Registers of the counters, which are kept elsewhere, and all others.
        self._counters = [register for register in registers if register.counter]
        self._kept = [register for register in registers if not register.counter]
        super().__init__({"write": In(_WRITE), "read": In(_READ), "counters": Out(CounterPort())} | {
            register.name.lower(): Out(wiring.Signature({
                field.name: Out(wiring.Signature(_field_members(field))) for field in register.fields
            }))
            for register in self._kept
        })

    def elaborate(self, platform):
        m = Module()

        reads, hits, write_hits = [], [], []
        for register in self._kept:
            hit, write_hit, taken, written = (
                Signal(name=f"{register.name}_{name}") for name in ("hit", "write_hit", "taken", "written")
            )
            meant = (self.write.address == register.offset) & self.write.whole
            m.d.sync += [hit.eq(self.read.address == register.offset), write_hit.eq(meant)]
            m.d.comb += [taken.eq(hit & self.read.strobe), written.eq(write_hit & self.write.strobe)]
            value = Signal(AXI_BITS, name=f"{register.name}_value")
            for field in register.fields:
                port = getattr(getattr(self, register.name.lower()), field.name)
                bits = slice(field.lsb, field.lsb + field.width)
                coming = meant & self.write.coming
                self._behave(m, field.access, port, (coming, written, taken), self.write.data[bits])
                if field.access is not Access.WO:
                    m.d.comb += value[bits].eq(port.value)
            hits.append(hit)
            write_hits.append(write_hit)
            reads.append(value & hit.replicate(AXI_BITS))  # at most one is not 0: cheaper than a choice
        for found, each in zip(self._count(m), (reads, hits, write_hits), strict=True):
            each.append(found)
        m.d.comb += [
            self.read.data.eq(reduce(operator.or_, reads)),
            self.read.refused.eq(~Cat(hits).any()),
            self.write.refused.eq(~Cat(write_hits).any()),
        ]
        return m

    def _count(self, m: Module) -> tuple[Value, Signal, Signal]:
        """The word of a counter, if one is read, and whether one is read or written. A read waits for the word, and a
        snapshot for the counters.
        """
        hit, write_hit, stands = Signal(name="counter_hit"), Signal(name="counter_write_hit"), Signal()
        first, last = self._counters[0].offset, self._counters[-1].offset

        def meant(address) -> Value:
            return (address >= first) & (address <= last) & ~address[:2].any()

        counters = self.counters
        m.d.comb += counters.snapshot.eq(self.snapshot.take.strobe)
        m.d.sync += [
            hit.eq(meant(self.read.address)), write_hit.eq(meant(self.write.address) & self.write.whole),
            stands.eq(self.read.asked & counters.free),
        ]
        m.d.comb += [
            counters.address.eq(self.read.address[2:]),
            self.read.wait.eq(meant(self.read.address) & ~stands),
            self.write.wait.eq((self.write.address == offset_of("SNAPSHOT")) & ~counters.ready),
        ]
        return counters.word & hit.replicate(AXI_BITS), hit, write_hit

    def _behave(self, m, access, port, strobes, bits):
        """Storage and strobes of one field; ``bits`` are those of the word being written, or about to be. ``strobes``
        say that a write is coming, that one is there, and that the field was read.
        """
        coming, written, taken = strobes
        match access:
            case Access.RW:
                with m.If(written):
                    m.d.sync += port.value.eq(bits)
            case Access.WO:
                m.d.sync += port.strobe.eq(bits & coming.replicate(len(bits)))
            case Access.RC:
                m.d.sync += port.value.eq(Mux(taken | port.clear, 0, port.value) | port.set)
            case Access.W1C:
                m.d.sync += port.value.eq(port.value & ~Mux(written, bits, 0) | port.set)
            case Access.WC:
                m.d.comb += port.strobe.eq(written)


class RegisterPort(wiring.Component):
    """Control and status of the accelerator on an AXI4-Lite bus.

    ``start_asked``, ``abort`` and ``counters.snapshot`` come in the cycle in which a write takes effect, three cycles
    after its address and data were taken (a snapshot's, when the counters are ready for it), ``start`` in the next one,
    up to which no packet may begin; the timing of the bus is that of :class:`RegisterBus`.

    - A start is taken when nothing runs, nothing is ``loading`` and no error is pending. While something runs or loads
      it is the error ``START_BUSY`` (info: ``PROGRAM_START``). A write that also aborts or clears never starts. All the
      same of a clear, but that it yields to an abort only.
    - The first error stays until ERROR is written; later ones are lost. Of errors in the same cycle the
      program's comes first, then the packet's, then the write's, then the read's. ERROR_INFO outlives the clearing.
    - Done clears when CONTROL is read and when a start is taken. An event in the cycle in which it is cleared is kept.

    Parameters
    ----------
    config : AcceleratorConfig
        Gives the identity registers their values.

    Members
    -------
    bus : In(AxiLite(OFFSET_BITS))
        The host.
    start_asked : Out(1)
        A start is asked for, whether it is taken or not; one cycle.
    start : Out(1)
        A start was taken; one cycle.
    abort : Out(1)
        Stop and drop everything; one cycle.
    clear : Out(1)
        Zero all activations; one cycle, that after the write took effect.
    program_start : Out(16)
        Index of the first command.
    busy : In(1)
        An inference is running: from the cycle after ``start``.
    loading : In(1)
        A packet is half received, or something else is not over that a start must wait for.
    done : In(1)
        An inference ended; one cycle.
    load_error : In(LoadError)
        A packet was refused.
    command_error : In(CommandError)
        A program was stopped.
    position : In(Position)
        Where the sequencer is.
    counters : Out(CounterPort())
        Snapshots of the cycle counters.
    watchdog : Out(32)
        Cycles after which an inference is stopped; 0 is never, and that of a build without watchdog.
    irq : Out(1)
        Interrupt, level.
    failed : Out(1)
        ERROR holds an error.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "bus": In(AxiLite(OFFSET_BITS)),
            "start_asked": Out(1), "start": Out(1), "abort": Out(1), "clear": Out(1), "program_start": Out(16),
            "busy": In(1), "loading": In(1), "done": In(1),
            "load_error": In(LoadError), "command_error": In(CommandError), "position": In(Position),
            "counters": Out(CounterPort()),
            "watchdog": Out(AXI_BITS), "irq": Out(1), "failed": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.registers = registers = RegisterFile(self.config)
        m.submodules.bus = bus = RegisterBus()
        wiring.connect(m, wiring.flipped(self.bus), bus.bus)
        wiring.connect(m, write=bus.write, registers=registers.write)
        wiring.connect(m, read=bus.read, registers=registers.read)

        constants = identity(self.config)
        for register in registers_of(self.config):
            for field in register.fields if register.name in constants else ():
                port = getattr(getattr(registers, register.name.lower()), field.name)
                m.d.comb += port.value.eq(constants[register.name] >> field.lsb)
        wiring.connect(m, registers.counters, wiring.flipped(self.counters))

        error = self._errors(m, bus, registers)
        control = registers.control
        startable = ~self.busy & ~self.loading & ~self.load_error.valid & (error == ErrorCode.NONE)
        m.d.comb += [
            self.start_asked.eq(control.start.strobe),
            self.abort.eq(control.abort.strobe),
            self.program_start.eq(registers.program_start.command.value),
            self.watchdog.eq(registers.watchdog.cycles.value if self.config.watchdog else 0),
            self.failed.eq(error != ErrorCode.NONE),
            control.done.set.eq(self.done),
            control.done.clear.eq(self.start),
            control.idle.value.eq(~self.busy),
            control.ready.value.eq(startable),
            registers.position.command.value.eq(self.position.command),
            registers.position.iteration.value.eq(self.position.iteration),
        ]

        m.d.sync += [
            self.start.eq(self.start_asked & ~control.abort.strobe & ~control.clear.strobe & startable),
            self.clear.eq(control.clear.strobe & ~control.abort.strobe & startable),
        ]

        pending, let_through = registers.interrupt_status, registers.interrupt_enable
        m.d.comb += pending.done.set.eq(self.done)
        m.d.comb += self.irq.eq(registers.interrupt_global.enable.value & (
            pending.done.value & let_through.done.value | pending.error.value & let_through.error.value
        ))

        return m

    def _errors(self, m, bus, registers) -> Signal:
        """Keep the first error and return its code."""
        code, info = Signal(ErrorCode), Signal(AXI_BITS)
        # Refused accesses count a cycle later, while they still stand.
        bad_write, bad_read = Signal(), Signal()
        m.d.sync += [
            bad_write.eq(bus.write.strobe & bus.write.refused), bad_read.eq(bus.read.strobe & bus.read.refused)
        ]
        control = registers.control
        asked = (control.start.strobe | control.clear.strobe) & ~control.abort.strobe
        busy_start = asked & (self.busy | self.loading)
        with m.If((code == ErrorCode.NONE) | registers.error.code.strobe):
            m.d.comb += registers.interrupt_status.error.set.eq(1)
            with m.If(self.command_error.valid):
                m.d.sync += [code.eq(ErrorCode.COMMAND), info.eq(self.command_error.info)]
            with m.Elif(self.load_error.valid):
                m.d.sync += [code.eq(self.load_error.code), info.eq(self.load_error.info)]
            with m.Elif(busy_start):
                m.d.sync += [code.eq(ErrorCode.START_BUSY), info.eq(self.program_start)]
            with m.Elif(bad_write):
                m.d.sync += [code.eq(ErrorCode.REGISTER), info.eq(bus.write.address)]
            with m.Elif(bad_read):
                m.d.sync += [code.eq(ErrorCode.REGISTER), info.eq(bus.read.address)]
            with m.Else():
                m.d.sync += code.eq(ErrorCode.NONE)
                m.d.comb += registers.interrupt_status.error.set.eq(0)
        m.d.comb += [registers.error.code.value.eq(code), registers.error_info.value.value.eq(info)]
        return code

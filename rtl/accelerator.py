"""The top: AXI ports, host registers, packet loader, counters and the engine, connected."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetInserter, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import CommandError, Position
from rtl.control.engine import Engine
from rtl.host.axi import AxiLite, AxiStream
from rtl.host.counters import Counters
from rtl.host.frame_sender import FrameSender
from rtl.host.packet_loader import PacketLoader
from rtl.host.registers import RegisterPort
from rtl.host.total_counter import TotalCounter
from spec.config import AcceleratorConfig
from spec.registers import OFFSET_BITS, ErrorCode

__all__ = ["PORTS", "Accelerator", "Core"]

#: Buses of the host.
_BUSES = {"s_axi": In(AxiLite(OFFSET_BITS)), "s_axis": In(AxiStream()), "m_axis": Out(AxiStream())}

#: Ports of the top module.
PORTS = {"aclk": In(1), "aresetn": In(1), "irq": Out(1)} | {
    f"{bus}_{name}": port for bus, member in _BUSES.items() for name, port in member.signature.members.items()
}


class Core(wiring.Component):
    """Host port and engine in clock domain ``sync``.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    s_axi : In(AxiLite(8))
        Registers (:mod:`spec.registers`).
    s_axis : In(AxiStream())
        Packets (:mod:`spec.packets`). Only chunks of streamed masks are taken while an inference runs.
    m_axis : Out(AxiStream())
        One frame per STORE command. An abort, or an error that stops the inference, ends the frame that is being sent
        with a word of zeros; no start is taken before what was left of it was.
    irq : Out(1)
        High while an enabled interrupt is pending.
    busy, failed : Out(1)
        An inference is running; register ERROR holds an error. For lamps.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__(_BUSES | {"irq": Out(1), "busy": Out(1), "failed": Out(1)})
        self.engine = Engine(config)

    def elaborate(self, platform):
        m = Module()

        m.submodules.registers = registers = RegisterPort(self.config)
        m.submodules.loader = loader = PacketLoader(self.config)
        m.submodules.sender = sender = FrameSender()
        m.submodules.cycle_counters = counters = Counters() if self.config.counters == "all" else TotalCounter()
        if self.config.counters == "all":
            m.d.comb += counters.cause.eq(self.engine.cause)
        engine = self.engine
        # An inference that cannot be right any more is stopped a cycle after the error, as if aborted.
        stop = Signal()
        m.submodules.engine = ResetInserter(registers.abort | registers.clear | stop)(engine)
        m.d.sync += stop.eq(engine.busy & ~stop & registers.load_error.valid)

        # What is only reported is reported a cycle later.
        position, command_error = Signal(Position), Signal(CommandError)
        m.d.sync += [position.eq(engine.position), command_error.eq(engine.error)]

        wiring.connect(m, wiring.flipped(self.s_axi), registers.bus)
        wiring.connect(m, wiring.flipped(self.s_axis), loader.i)
        wiring.connect(m, engine.words, sender.words)
        wiring.connect(m, sender.o, wiring.flipped(self.m_axis))
        wiring.connect(m, loader.write, engine.load)
        wiring.connect(m, registers.counters, counters.port)
        m.d.comb += [
            engine.start.eq(registers.start),
            engine.program_start.eq(registers.program_start),
            loader.accept.eq(~engine.busy & ~registers.start_asked & ~registers.start),
            loader.running.eq(engine.busy),
            loader.room.eq(engine.room),
            loader.hungry.eq(engine.hungry),
            loader.abort.eq(registers.abort | stop),
            loader.clear.eq(registers.clear),
            sender.abort.eq(registers.abort | stop),
            engine.chunk.eq(loader.chunk),
            registers.busy.eq(engine.busy),
            registers.loading.eq(loader.loading | sender.draining),
            registers.done.eq(engine.done),
            registers.command_error.eq(command_error),
            registers.position.eq(position),
            counters.running.eq(engine.busy),
            counters.clear.eq(registers.start),
            counters.limit.eq(registers.watchdog),
            self.irq.eq(registers.irq),
            self.busy.eq(engine.busy),
            self.failed.eq(registers.failed),
        ]
        m.d.comb += registers.load_error.eq(loader.error)
        for found, code, info in (
            (counters.expired, ErrorCode.WATCHDOG, position.command),
            (engine.fault.valid, ErrorCode.MEMORY, Cat(engine.fault.address, engine.fault.target)),
            (engine.misfit, ErrorCode.STREAM_LENGTH, position.command),
        ):
            with m.If(found):
                m.d.comb += [
                    registers.load_error.valid.eq(1), registers.load_error.code.eq(code),
                    registers.load_error.info.eq(info),
                ]
        return m


class Accelerator(wiring.Component):
    """The accelerator with the port names that FPGA tools know: ``aclk``, ``aresetn``, ``s_axi_*``, ``s_axis_*``,
    ``m_axis_*``, ``irq``.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    aclk, aresetn : In(1)
        Clock, and synchronous reset, low to reset.
    s_axi_*, s_axis_*, m_axis_*, irq
        As in :class:`Core`.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__(PORTS)

    def elaborate(self, platform):
        m = Module()

        m.domains.sync = ClockDomain("sync")
        m.d.comb += [ClockSignal("sync").eq(self.aclk), ResetSignal("sync").eq(~self.aresetn)]
        m.submodules.core = core = Core(self.config)
        m.d.comb += self.irq.eq(core.irq)
        for bus, member in _BUSES.items():
            for name, port in member.signature.members.items():
                outer, inner = getattr(self, f"{bus}_{name}"), getattr(getattr(core, bus), name)
                m.d.comb += outer.eq(inner) if port.flow == Out else inner.eq(outer)
        return m

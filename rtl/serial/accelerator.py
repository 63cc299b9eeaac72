"""The accelerator behind a serial line: what a board's FPGA holds, but for clock, reset and pins."""

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.accelerator import Core
from rtl.serial.bridge import SerialBridge
from spec.config import AcceleratorConfig

__all__ = ["SerialAccelerator"]


class SerialAccelerator(wiring.Component):
    """A :class:`rtl.accelerator.Core` whose three buses end in a :class:`rtl.serial.bridge.SerialBridge`.

    Parameters
    ----------
    config : AcceleratorConfig
    divider : int
        Cycles of a bit on the line.

    Members
    -------
    rx : In(1)
    tx : Out(1)
        The line, of any clock.
    busy : Out(1)
        An inference is running.
    failed : Out(1)
        Register ERROR holds an error.
    """

    def __init__(self, config: AcceleratorConfig, divider: int):
        self.config = config
        self.divider = divider
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "busy": Out(1), "failed": Out(1)})

    def elaborate(self, platform):
        m = Module()

        core = Core(self.config)
        m.submodules.bridge = bridge = SerialBridge(self.divider)
        m.submodules.core = ResetInserter(bridge.restart)(core)
        wiring.connect(m, bridge.registers, core.s_axi)
        wiring.connect(m, bridge.packets, core.s_axis)
        wiring.connect(m, core.m_axis, bridge.frames)
        m.d.comb += [
            bridge.rx.eq(self.rx), self.tx.eq(bridge.tx), bridge.irq.eq(core.irq),
            self.busy.eq(core.busy), self.failed.eq(core.failed),
        ]
        return m

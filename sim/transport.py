"""The driver's transport in a simulation: cocotbext-axi, an AXI implementation independent of ours, on every port.

While the accelerator computes nothing here runs: all models sleep until a valid, a frame or the interrupt rises.
"""

import logging
from collections.abc import Sequence
from random import Random

import cocotb
from cocotb.task import resume
from cocotb.triggers import FallingEdge, RisingEdge, SimTimeoutError, Timer, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink, AxiStreamSource

from sim.errors import RegisterAccessFailed
from spec.registers import COUNTERS

__all__ = ["CHANNELS", "CLOCK_NS", "CocotbTransport"]

CLOCK_NS = 10  #: Period of the wrapper's clock.
CHANNELS = ("aw", "w", "b", "ar", "r", "s_axis", "m_axis")  #: In the wrapper's order.
WORD_BYTES = 4  #: Of a stream.
_RESET_CYCLES = 4
_BURSTS = (1, 1, 1, 2, 3, 8)  #: Cycles that a stalled channel stays as it is.


class CocotbTransport:
    """:class:`sim.driver.Transport` on the pins of the wrapper.

    Blocking methods are for code under ``cocotb.task.bridge``; tests that do several things at once use the coroutines
    of the same name with ``_async``.

    Parameters
    ----------
    dut
        The wrapper.
    limit : int
        Cycles that any one operation may take before it fails.
    """

    def __init__(self, dut, limit: int = 10_000_000):
        self.dut = dut
        self.limit = limit
        dut.aresetn.value = 0
        reset = {"reset": dut.aresetn, "reset_active_level": False}
        for name in ("s_axi", "s_axis", "m_axis"):
            logging.getLogger(f"cocotb.{dut._name}.{name}").setLevel(logging.WARNING)
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, **reset)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk, byte_lanes=WORD_BYTES, **reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk, byte_lanes=WORD_BYTES, **reset)
        self.read_register = resume(self.read_register_async)
        self.write_register = resume(self.write_register_async)
        self.send = resume(self.send_async)
        self.send_later = resume(self.send_later_async)
        self.withdraw = resume(self.withdraw_async)
        self.receive = resume(self.receive_async)
        self.discard = resume(self.discard_async)
        self.wait_irq = resume(self.wait_irq_async)
        self.pauses = dict.fromkeys(CHANNELS, 0)
        self._stalling: list = []

    @property
    def cycle(self) -> int:
        """Clock cycles since time 0."""
        return int(self.dut.cycle.value)

    @property
    def violations(self) -> int:
        """Times the accelerator withdrew or changed something it offered."""
        return int(self.dut.violations.value)

    @property
    def waited(self) -> dict[str, int]:
        """Per channel, cycles in which valid was high and ready was low."""
        return {name: int(self.dut.waited[i].value) for i, name in enumerate(CHANNELS)}

    @property
    def bytes_in(self) -> int:
        """Bytes that went in through ``s_axis``, headers of packets included."""
        return WORD_BYTES * int(self.dut.words_in.value)

    @property
    def bytes_out(self) -> int:
        """Bytes that came out of ``m_axis``."""
        return WORD_BYTES * int(self.dut.words_out.value)

    @property
    def counts_at_ends(self) -> list[dict[str, int]]:
        """The counters of the last inference, of every cause, as they were at the end of each of its commands. The last
        one ends with the inference.
        """
        ended, kept = int(self.dut.ended.value), len(self.dut.counts_at_end)
        if ended > kept:
            raise RuntimeError(f"An inference of {ended} commands is longer than the {kept} whose counters are kept")
        values = [int(self.dut.counts_at_end[i].value) for i in range(ended)]
        return [
            {name: value >> 64 * i & (1 << 64) - 1 for i, (name, _) in enumerate(COUNTERS)}
            for value in [*values, int(self.dut.counts.value)]
        ]

    async def cycles(self, count: int) -> None:
        """Let ``count`` clock cycles pass."""
        if count:
            await Timer(CLOCK_NS * count, "ns")

    async def reset(self) -> None:
        """Reset the accelerator and the models; frames in flight are lost on both sides."""
        self.dut.aresetn.value = 0
        await self.cycles(_RESET_CYCLES)
        self.source.clear()
        self.sink.clear()
        self.dut.aresetn.value = 1
        await self.cycles(_RESET_CYCLES)

    async def bounded(self, operation, what: str):
        """Result of ``operation``; TimeoutError, with ``what``, if it takes more than ``limit`` cycles."""
        try:
            return await with_timeout(operation, CLOCK_NS * self.limit, "ns")
        except SimTimeoutError:
            raise TimeoutError(f"{what} did not end within {self.limit} cycles") from None

    async def read_register_async(self, offset: int) -> int:
        """Read a register."""
        answer = await self.bounded(self.registers.read(offset, 4), f"Reading register {offset:#04x}")
        if answer.resp != AxiResp.OKAY:
            raise RegisterAccessFailed(f"Reading register {offset:#04x} was answered {answer.resp.name}")
        return int.from_bytes(answer.data, "little")

    async def write_register_async(self, offset: int, value: int) -> None:
        """Write a register."""
        await self.write_bytes(offset, value.to_bytes(4, "little"))

    async def write_bytes(self, offset: int, data: bytes) -> None:
        """Write ``data`` from byte ``offset`` on; a part of a register where it is no whole one."""
        answer = await self.bounded(self.registers.write(offset, data), f"Writing register {offset:#04x}")
        if answer.resp != AxiResp.OKAY:
            raise RegisterAccessFailed(f"Writing register {offset:#04x} was answered {answer.resp.name}")

    async def send_async(self, frame: bytes) -> None:
        """Send a frame and wait until it was taken."""
        await self.source.send(frame)
        await self.sent_async(f"Sending a frame of {len(frame)} bytes")

    async def sent_async(self, what: str = "Sending what was queued") -> None:
        """Wait until all frames were taken."""
        await self.bounded(self.source.wait(), what)

    async def send_later_async(self, frames: Sequence[bytes]) -> None:
        """Send frames, one after another, while other things go on."""
        for frame in frames:
            await self.source.send(frame)

    async def withdraw_async(self) -> None:
        """Send nothing more than the rest of the frame that is being sent, if any."""
        self.source.clear()

    async def receive_async(self) -> bytes:
        """Wait for a frame."""
        frame = await self.bounded(self.sink.recv(), "Receiving a frame")
        return bytes(frame.tdata)

    async def discard_async(self) -> None:
        """Take what is still offered, then forget all frames, a half one included."""
        if int(self.dut.m_axis_tvalid.value):
            await self.bounded(_fall(self.dut.m_axis_tvalid), "Taking what m_axis still offers")
        await self.cycles(2)
        self.sink.clear()
        self.sink.assert_reset()

    async def wait_irq_async(self) -> None:
        """Wait for the interrupt."""
        if not int(self.dut.irq.value):
            await self.bounded(_rise(self.dut.irq), "Waiting for the interrupt")

    def stall(self, probability: float, seed: int) -> None:
        """Pause every channel in random bursts from now on, independently; ``probability`` 0 ends it.

        ``pauses`` counts, per channel, the paused cycles in which there was something to transfer.
        """
        for task in self._stalling:
            task.cancel()
        write, read = self.registers.write_if, self.registers.read_if
        models = (
            write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel, self.source, self.sink,
        )
        for model in models:
            model.pause = False
        self.pauses = dict.fromkeys(CHANNELS, 0)
        self._stalling = [
            cocotb.start_soon(self._stall_channel(name, model, probability, Random(f"{seed} {name}")))
            for name, model in zip(CHANNELS, models, strict=True)
            if probability
        ]

    async def _stall_channel(self, name: str, model, probability: float, rng: Random) -> None:
        offered = {"b": "s_axi_bvalid", "r": "s_axi_rvalid", "m_axis": "m_axis_tvalid"}.get(name)
        valid = None if offered is None else getattr(self.dut, offered)

        def pending() -> bool:
            return not model.idle() if valid is None else bool(int(valid.value))

        while True:
            model.pause = rng.random() < probability
            if not pending():
                await (model.active_event.wait() if valid is None else RisingEdge(valid))
            for _ in range(rng.choice(_BURSTS)):
                self.pauses[name] += model.pause and pending()
                await self.cycles(1)


async def _rise(signal) -> None:
    await RisingEdge(signal)


async def _fall(signal) -> None:
    await FallingEdge(signal)

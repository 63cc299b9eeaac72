"""The accelerator at the two pins of its serial line: a port made of pins, a driver on it, noise, and a way out."""

import contextlib
import os
import pty
import tty
from pathlib import Path
from random import Random

import cocotb
import pytest
from cocotb.task import bridge, resume
from cocotb.triggers import Event, FallingEdge, SimTimeoutError, Timer, with_timeout

from gen.cycles import predict
from sim.bench.harness import SmallModel, current_job, subject
from sim.compare import expected_counters
from sim.driver import Driver
from sim.errors import RegisterAccessFailed
from sim.serial_transport import SerialTransport
from spec.registers import OFFSET_BITS, ErrorCode
from spec.serial_link import Request, request
from spec.supermask import Mode

CLOCK_NS = 10  #: Period of the wrapper's clock.
PATIENCE_BYTES = 200  #: How long a port waits for a byte, in bytes of the line.


class PinPort:
    """:class:`sim.serial_transport.SerialPort` on the pins of the wrapper.

    Blocking methods are for code under ``cocotb.task.bridge``.

    Parameters
    ----------
    dut
        The wrapper.
    noise : float
        Probability that a byte is lost, changed, or loses its stop bit, either way.
    """

    def __init__(self, dut, noise: float = 0.0):
        self.dut = dut
        self.noise = noise
        self.rng = Random(cocotb.RANDOM_SEED)
        self.damaged = 0
        self.bit_ns = CLOCK_NS * int(cocotb.plusargs["divider"])
        self.received = bytearray()
        self._arrived = Event()
        self.read = resume(self.read_async)
        self.write = resume(self.write_async)
        dut.rx.value = 1
        cocotb.start_soon(self._listen())

    async def start(self) -> None:
        """Reset the accelerator, pin and all."""
        self.dut.rst.value = 1
        await Timer(8 * CLOCK_NS, "ns")
        self.dut.rst.value = 0
        await Timer(8 * CLOCK_NS, "ns")

    def reset_input_buffer(self) -> None:
        """Forget what has arrived."""
        self.received.clear()

    async def read_async(self, size: int) -> bytes:
        """At most ``size`` bytes, none if none comes in time."""
        while not self.received:
            self._arrived.clear()
            try:
                await with_timeout(self._arrived.wait(), 10 * PATIENCE_BYTES * self.bit_ns, "ns")
            except SimTimeoutError:
                return b""
        found = bytes(self.received[:size])
        del self.received[:size]
        return found

    async def write_async(self, data: bytes) -> None:
        """Put ``data`` on the line."""
        for byte in data:
            damage = self._damage()
            if damage == "lost":
                continue
            byte ^= self._flip(damage)
            for level in (0, *(byte >> i & 1 for i in range(8)), int(damage != "broken")):
                self.dut.rx.value = level
                await Timer(self.bit_ns, "ns")
            self.dut.rx.value = 1

    async def _listen(self) -> None:
        while True:
            await FallingEdge(self.dut.tx)
            await Timer(3 * self.bit_ns // 2, "ns")
            byte = 0
            for i in range(8):
                byte |= int(self.dut.tx.value) << i
                await Timer(self.bit_ns, "ns")
            assert int(self.dut.tx.value), "A byte of the accelerator has no stop bit"
            damage = self._damage()
            if damage != "lost":
                self.received.append(byte ^ self._flip(damage))
                self._arrived.set()

    def _damage(self) -> str | None:
        if self.rng.random() >= self.noise:
            return None
        self.damaged += 1
        return self.rng.choice(("lost", "changed", "broken"))

    def _flip(self, damage: str | None) -> int:
        return 1 << self.rng.randrange(8) if damage == "changed" else 0


def connect(port: PinPort) -> Driver:
    """A driver over ``port`` that has identified the accelerator; blocks."""
    driver = Driver(SerialTransport(port), current_job().config)
    driver.identify()
    return driver


async def check(driver: Driver, of: SmallModel, images: int, *, trace: bool):
    """Load the program of ``of`` and compare all that it sends of some images; the program and the last result."""
    program = of.program(trace=trace)
    await bridge(driver.load)(program)
    for image in range(images):
        result = await bridge(driver.infer)(of.batch(image))
        of.check(program, result, image)
    return program, result


@cocotb.test(timeout_time=1, timeout_unit="sec")
@cocotb.parametrize(trace=[False, True])
async def a_model_runs(dut, trace):
    """Through the line alone: every value sent is the golden model's, and the counters are the cycle model's."""
    port = PinPort(dut)
    await port.start()
    driver = await bridge(connect)(port)
    program, result = await check(driver, subject("tiny", Mode.ONE_OF_FOUR), 2, trace=trace)
    assert not program.stream_packets
    assert driver.transport.repeats == 0
    assert result.counters == expected_counters(predict(program))


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def masks_are_streamed(dut):
    """Masks that do not fit the memory wait in the board's queue, so that an inference waits for none of them."""
    port = PinPort(dut)
    await port.start()
    driver = await bridge(connect)(port)
    program, result = await check(driver, subject("tiny", Mode.ANY), 2, trace=True)
    assert program.stream_packets
    assert result.counters == expected_counters(predict(program))


@cocotb.test(timeout_time=5, timeout_unit="sec")
async def noise_changes_nothing(dut):
    """Bytes lost and changed both ways: everything is sent again until it is right, and nothing is done twice."""
    port = PinPort(dut, noise=0.003)
    await port.start()
    driver = await bridge(connect)(port)
    program, result = await check(driver, subject("tiny", Mode.ONE_OF_FOUR), 2, trace=False)
    dut._log.info("seed %d: %d bytes damaged, %d repeats", cocotb.RANDOM_SEED, port.damaged, driver.transport.repeats)
    assert driver.transport.repeats > 5
    assert result.counters == expected_counters(predict(program))


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def a_host_that_died_is_forgotten(dut):
    """Half a packet, and half a request, of an earlier host; a new one finds an accelerator that works."""
    port, of = PinPort(dut), subject("tiny", Mode.ONE_OF_FOUR)
    await port.start()
    first = await bridge(connect)(port)
    await bridge(first.load)(of.program(trace=False))
    image = of.image_packets(first.program, 0)[0]
    await port.write_async(request(200, Request.SEND, image[:20]))
    await Timer(300 * port.bit_ns, "ns")
    await port.write_async(request(201, Request.SEND, image[20:40])[:9])
    driver = await bridge(connect)(port)
    await check(driver, of, 1, trace=False)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def abort_in_the_middle_of_frames(dut):
    """An inference whose frames nobody fetches is aborted; the next one is right."""
    port, of = PinPort(dut), subject("tiny", Mode.ANY)
    await port.start()
    driver = await bridge(connect)(port)
    await bridge(driver.load)(of.program(trace=True))
    for moment in (500, 5000, 20_000):
        await bridge(driver.load_images)(of.batch(0))
        await bridge(driver.start)()
        await Timer(moment * CLOCK_NS, "ns")
        await bridge(driver.abort)()
        of.check(driver.program, await bridge(driver.infer)(of.batch(1)), 1)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def lamps_and_refused_registers(dut):
    """A register that is not there is refused and lights the lamp until the error is cleared; so is ``busy``."""
    port, of = PinPort(dut), subject("tiny", Mode.ONE_OF_FOUR)
    await port.start()
    driver = await bridge(connect)(port)
    assert (int(dut.failed.value), int(dut.busy.value)) == (0, 0)
    nowhere = (1 << OFFSET_BITS) - 4
    for access, arguments in ((driver.transport.read_register, ()), (driver.transport.write_register, (1,))):
        with pytest.raises(RegisterAccessFailed, match=f"{nowhere:#04x} was refused"):
            await bridge(access)(nowhere, *arguments)
        assert int(dut.failed.value) == 1
        assert await bridge(driver.read)("ERROR") == ErrorCode.REGISTER
        await bridge(driver.clear_error)()
        assert int(dut.failed.value) == 0
    await bridge(driver.load)(of.program(trace=False))
    await bridge(driver.load_images)(of.batch(0))
    await bridge(driver.start)()
    assert int(dut.busy.value) == 1
    await bridge(driver.finish)()
    assert int(dut.busy.value) == 0


@cocotb.test(timeout_time=100, timeout_unit="sec")
async def serve(dut):
    """No check: the line as a pseudo-terminal, whose path the file ``port`` holds, until there is a file ``stop``."""
    port = PinPort(dut)
    await port.start()
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    Path("port.new").write_text(os.ttyname(theirs))
    os.replace("port.new", "port")
    while not Path("stop").exists():
        await Timer(10 * port.bit_ns, "ns")
        with contextlib.suppress(BlockingIOError):
            await port.write_async(os.read(ours, 4096))
        if port.received:
            os.write(ours, port.received)
            port.received.clear()
    os.close(ours)
    os.close(theirs)

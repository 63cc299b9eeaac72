"""Hosts that do wrong: each wrong is answered with its error code and leaves the accelerator usable."""


import cocotb
import numpy as np
import pytest

from sim.bench.harness import Harness, subject
from sim.driver import bit
from sim.errors import AcceleratorError, RegisterAccessFailed
from spec.commands import COMMAND_WORDS, encode
from spec.config import AcceleratorConfig
from spec.packets import LANE_LSB, PACKET_MAGIC, PER_LANE, Target, memory_words, packet
from spec.registers import REGISTERS, ErrorCode, offset_of
from spec.supermask import Mode

MODE = Mode.ONE_OF_FOUR


def _words(*values: int) -> bytes:
    return np.array(values, "<u4").tobytes()


def _beyond(target: Target, config: AcceleratorConfig) -> bytes:
    """Beyond the end of the memory, of the last lane's where every lane has one."""
    lane = config.lanes - 1 if target in PER_LANE else 0
    return packet(target, memory_words(config)[target] - 1, bytes(8), lane)


def bad_packets_of(config: AcceleratorConfig) -> dict[str, tuple[bytes, ErrorCode]]:
    """Packets that break a rule, and what they are answered with."""
    known = memory_words(config)
    found = {
        "bad magic": (_words(0xDEAD_0000, 0, 1, 0), ErrorCode.PACKET_MAGIC),
        "no target": (_words(PACKET_MAGIC | len(known), 0, 1, 0), ErrorCode.PACKET_TARGET),
        "wide target": (_words(PACKET_MAGIC | 0x100, 0, 1, 0), ErrorCode.PACKET_TARGET),
        "no such lane": (_words(PACKET_MAGIC | Target.X, config.lanes << LANE_LSB, 1, 0), ErrorCode.PACKET_RANGE),
        "address wraps": (_words(PACKET_MAGIC | Target.X, 0xFFFF_FFFF, 2, 0, 0), ErrorCode.PACKET_RANGE),
        "length wraps": (_words(PACKET_MAGIC | Target.X, 1, 0xFFFF_FFFF, 0, 0), ErrorCode.PACKET_RANGE),
        "empty": (_words(PACKET_MAGIC | Target.X, 0, 0), ErrorCode.PACKET_RANGE),
        "only a magic": (_words(PACKET_MAGIC), ErrorCode.PACKET_SHORT),
        "no length": (_words(PACKET_MAGIC, 0), ErrorCode.PACKET_SHORT),
        "no payload": (_words(PACKET_MAGIC | Target.X, 0, 3), ErrorCode.PACKET_SHORT),
        "short": (packet(Target.X, 0, bytes(64))[:-4], ErrorCode.PACKET_SHORT),
        "one word long": (packet(Target.X, 0, bytes(64)) + bytes(4), ErrorCode.PACKET_LONG),
        "long": (packet(Target.X, 0, bytes(64)) + bytes(400), ErrorCode.PACKET_LONG),
    }
    for target in known.keys() - {Target.MASK_STREAM}:
        found[f"beyond {target.name}"] = (_beyond(target, config), ErrorCode.PACKET_RANGE)
    return found


async def _expect(harness: Harness, code: ErrorCode) -> None:
    """Assert that ``code`` is the pending error, and clear it."""
    with pytest.raises(AcceleratorError) as caught:
        await harness.call(harness.driver.raise_error)
    assert caught.value.code is code, f"Error is {caught.value}, not {code.name}"


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def bad_packets(dut):
    """Each bad packet is answered with its code, interrupts, and does not keep the next packet from arriving."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    for name, (content, code) in bad_packets_of(harness.driver.config).items():
        await harness.transport.send_async(content)
        await harness.transport.wait_irq_async()
        dut._log.info("packet %r", name)
        await _expect(harness, code)
        await harness.transport.cycles(2)
        assert not int(dut.irq.value), f"The interrupt of packet {name!r} stayed after it was cleared"
    await harness.load(of, trace=False)
    await harness.check_inference(of, 0)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def bad_register_accesses(dut):
    """Unknown registers and partial writes are answered SLVERR, change nothing and leave an error."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    transport = harness.transport
    await harness.load(of, trace=False)
    start = offset_of("PROGRAM_START")
    unknown = max(register.offset for register in REGISTERS) + 4
    for name, access in {
        "unknown read": lambda: transport.read_register_async(unknown),
        "far read": lambda: transport.read_register_async(0xFC),
        "unknown write": lambda: transport.write_register_async(unknown, 1),
        "one byte": lambda: transport.write_bytes(start, b"\x01"),
        "upper half": lambda: transport.write_bytes(start + 2, b"\x01\x02"),
    }.items():
        dut._log.info("access %r", name)
        with pytest.raises(RegisterAccessFailed, match="SLVERR"):
            await access()
        await _expect(harness, ErrorCode.REGISTER)
    assert await harness.call(harness.driver.read, "PROGRAM_START") == 0, "A partial write had an effect"
    await harness.check_inference(of, 0)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def start_while_busy(dut):
    """A second start is ignored and reported; the inference in progress is not disturbed."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=True)
    await harness.call(harness.driver.load_images, of.batch(0))
    await harness.call(harness.driver.start)
    await harness.call(harness.driver.write, "CONTROL", bit("CONTROL", "start"))
    await _expect(harness, ErrorCode.START_BUSY)
    of.check(program, await harness.call(harness.driver.finish), 0)
    await harness.check_inference(of, 1)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def start_while_loading(dut):
    """A start in the middle of a packet is ignored and reported; the packet arrives whole."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=False)
    await harness.call(harness.driver.load_images, of.batch(0, 1))
    harness.transport.source.pause = True
    await harness.transport.source.send(program.image_packet(of.images[1]))
    harness.transport.source.pause = False
    await harness.transport.cycles(10)
    harness.transport.source.pause = True
    await harness.call(harness.driver.write, "CONTROL", bit("CONTROL", "start"))
    await _expect(harness, ErrorCode.START_BUSY)
    control = await harness.call(harness.driver.read, "CONTROL")
    assert not control & bit("CONTROL", "ready"), "Ready in the middle of a packet"
    harness.transport.source.pause = False
    await harness.transport.source.wait()
    await harness.call(harness.driver.start)
    of.check(program, await harness.call(harness.driver.finish), 1)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def start_with_a_pending_error(dut):
    """While an error is pending no start is taken; the driver reports the error instead of waiting for ever."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    await harness.load(of, trace=False)
    await harness.call(harness.driver.load_images, of.batch(0))
    await harness.transport.send_async(_words(0))
    await harness.call(harness.driver.write, "CONTROL", bit("CONTROL", "start"))
    await harness.transport.cycles(20)
    control = await harness.call(harness.driver.read, "CONTROL")
    assert control & bit("CONTROL", "idle"), "A start was taken despite an error"
    assert not control & bit("CONTROL", "ready"), "Ready despite an error"
    with pytest.raises(AcceleratorError, match="PACKET_MAGIC"):
        await harness.call(harness.driver.start)
    await harness.check_inference(of, 0)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(index=[0, 3])
async def unknown_command(dut, index):
    """An unknown command stops the program and says where; loading the program again repairs it."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=False)
    bad = encode(15).astype("<u4").tobytes()
    await harness.transport.send_async(packet(Target.PROGRAM, (program.start + index) * COMMAND_WORDS, bad))
    with pytest.raises(AcceleratorError) as caught:
        await harness.call(harness.driver.infer, of.batch(0))
    assert (caught.value.code, caught.value.info) == (ErrorCode.COMMAND, program.start + index)
    position = await harness.call(harness.driver.position)
    assert position[0] == program.start + index, f"Stopped at command {position[0]}, not {program.start + index}"
    await harness.load(of, trace=False)
    await harness.check_inference(of, 1)
    await harness.finish()

"""A clear: nothing of an inference can be read afterwards, whatever else goes on; what is no activation stays."""

import cocotb
import numpy as np
import pytest

from sim.bench.harness import Harness, current_job, subject
from sim.driver import bit
from sim.errors import AcceleratorError
from spec.commands import Op, Source, encode
from spec.packets import PER_LANE, Target, clear_words, memory_words, packet
from spec.supermask import Mode

MODE = Mode.ANY
CLEAR = bit("CONTROL", "clear")


def stores() -> tuple[np.ndarray, ...]:
    """Commands that send every address of every activation memory and of the psum memory, lane by lane; then HALT."""
    config = current_job().config
    counts = {Source.X: memory_words(config)[Target.X], Source.T: memory_words(config)[Target.T]}
    counts[Source.PSUM] = config.psum_depth * config.rows
    places = [(lane, source, count) for lane in range(config.lanes) for source, count in counts.items()]
    return *(encode(Op.STORE, source=source, count=count, lane=lane) for lane, source, count in places), encode(Op.HALT)


async def left_behind(harness: Harness) -> list[int]:
    """What a second tenant reads: of each memory of :func:`stores`, how many words are not 0. Loads its program."""
    commands = stores()
    await harness.transport.send_async(packet(Target.PROGRAM, 0, np.concatenate(commands).astype("<u4").tobytes()))
    await harness.call(harness.driver.write, "PROGRAM_START", 0)
    await harness.call(harness.driver.start)
    await harness.transport.wait_irq_async()
    await harness.call(harness.driver.clear_error)
    frames = [np.frombuffer(await harness.transport.receive_async(), "<u4") for _ in commands[:-1]]
    return [np.count_nonzero(frame) for frame in frames]


async def fill(harness: Harness) -> None:
    """Bytes that are not 0 go to all of X and T of every lane, and an inference leaves psums."""
    config, of = current_job().config, subject("tiny", MODE)
    for target in PER_LANE:
        for lane in range(config.lanes):
            content = np.random.default_rng(lane).integers(1, 256, 4 * memory_words(config)[target], np.uint8)
            await harness.transport.send_async(packet(target, 0, content.tobytes(), lane))
    await harness.load(of, trace=False)
    await harness.check_inference(of, 0)


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def nothing_is_left(dut):
    """Without a clear all is there for whoever asks, even after a reset; after one nothing is."""
    harness = await Harness.start(dut)
    await fill(harness)
    await harness.transport.reset()
    await harness.call(harness.driver.identify)
    assert all(await left_behind(harness)), "Nothing was there to be cleared"
    await fill(harness)
    await harness.call(harness.driver.clear)
    assert not any(await left_behind(harness))
    await harness.finish()


@cocotb.test(timeout_time=1, timeout_unit="sec")
@cocotb.parametrize(shares=[(0.5,), (0.999,), (0.001, 0.3, 0.999)])
async def aborts_do_not_end_it(dut, shares):
    """An abort at any moment begins it anew; a packet that comes meanwhile is taken afterwards."""
    harness = await Harness.start(dut)
    await fill(harness)
    cycles = clear_words(current_job().config)
    await harness.call(harness.driver.write, "CONTROL", CLEAR)
    for share in shares:
        await harness.transport.cycles(int(share * cycles))
        await harness.call(harness.driver.write, "CONTROL", bit("CONTROL", "abort"))
        assert not await harness.call(harness.driver.read, "CONTROL") & bit("CONTROL", "ready"), "Over too early"
    assert not any(await left_behind(harness))
    await harness.finish()


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def what_is_no_activation_stays(dut):
    """The selected program runs on without being loaded again, on an image that was sent during the clear."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=True)
    await harness.check_inference(of, 0)
    await harness.call(harness.driver.write, "CONTROL", CLEAR)
    await harness.transport.send_later_async(of.image_packets(program, 1))
    await harness.transport.cycles(100)
    assert not harness.transport.source.idle(), "A packet was taken during a clear"
    await harness.transport.source.wait()
    await harness.call(harness.driver.start)
    of.check(program, await harness.call(harness.driver.finish), 1)
    await harness.finish()


@cocotb.test(timeout_time=1, timeout_unit="sec")
async def only_when_a_start_would_be_taken(dut):
    """While an inference runs or a packet arrives it is refused, and disturbs nothing; with a start it comes first."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=True)
    await harness.call(harness.driver.load_images, of.batch(0))
    await harness.call(harness.driver.start)
    await harness.call(harness.driver.write, "CONTROL", CLEAR)
    with pytest.raises(AcceleratorError, match="START_BUSY"):
        await harness.call(harness.driver.raise_error)
    of.check(program, await harness.call(harness.driver.finish), 0)

    await harness.transport.source.send(of.image_packets(program, 1)[0])
    await harness.transport.cycles(8)
    harness.transport.source.pause = True
    await harness.call(harness.driver.write, "CONTROL", CLEAR)
    with pytest.raises(AcceleratorError, match="START_BUSY"):
        await harness.call(harness.driver.raise_error)
    harness.transport.source.pause = False
    await harness.transport.source.wait()

    started = int(dut.started.value)
    await harness.call(harness.driver.write, "CONTROL", CLEAR | bit("CONTROL", "start"))
    control = await harness.call(harness.driver.read, "CONTROL")
    assert control & (bit("CONTROL", "idle") | bit("CONTROL", "ready")) == bit("CONTROL", "idle"), "It is not clearing"
    await harness.call(harness.driver.clear)
    assert int(dut.started.value) == started, "A write that clears started an inference"
    assert not any(await left_behind(harness))
    await harness.finish()

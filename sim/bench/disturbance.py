"""Reset and abort in the middle of things: whatever was going on, the next inference is right."""

import cocotb
import pytest
from cocotb.triggers import RisingEdge

from gen.cycles import predict
from sim.bench.harness import LIMIT, Harness, subject
from sim.driver import bit
from sim.errors import AcceleratorError
from spec.refusal import Refused
from spec.supermask import Mode

MODE = Mode.TWO_OF_FOUR
IDLE_AND_READY = bit("CONTROL", "idle") | bit("CONTROL", "ready")
ABORT = bit("CONTROL", "abort")
MOMENTS = 6  #: Cycles at which an inference is disturbed, drawn from the test's seed.


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(trace=[False, True])
async def reset_in_an_inference(dut, trace):
    """A reset forgets the selection and the enabled interrupts, but no memory."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=trace)

    async def disturb():
        await harness.transport.reset()
        await harness.call(harness.driver.identify)
        assert await harness.call(harness.driver.counters) == dict.fromkeys(harness.counter_names, 0)
        with pytest.raises(Refused, match="no longer has network"):
            await harness.call(harness.driver.load_images, of.batch(1))
        await harness.call(harness.driver.select, program)

    await harness.check_disturbed(of, predict(program).total, MOMENTS, disturb)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(trace=[False, True])
async def abort_in_an_inference(dut, trace):
    """An abort ends the inference at once; the selection and all memories stay."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=trace)

    async def disturb():
        await harness.call(harness.driver.abort)
        control = await harness.call(harness.driver.read, "CONTROL")
        assert control & IDLE_AND_READY == IDLE_AND_READY, "Not idle and ready after an abort"

    await harness.check_disturbed(of, predict(program).total, MOMENTS, disturb)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(stalled=[False, True], words=[0, 1, 5])
async def abort_in_output(dut, stalled, words):
    """An abort in the middle of a frame, with the host taking words or not."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    await harness.load(of, trace=True)
    await harness.call(harness.driver.load_images, of.batch(0))
    await harness.call(harness.driver.start)
    await RisingEdge(dut.m_axis_tvalid)
    await harness.transport.cycles(words)
    harness.transport.sink.pause = stalled
    await harness.transport.cycles(4)
    await harness.call(harness.driver.write, "CONTROL", ABORT)
    harness.transport.sink.pause = False
    await harness.call(harness.driver.abort)
    await harness.check_inference(of, 1)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(words=[0, 1, 5])
async def abort_while_nothing_is_taken(dut, words):
    """An abort in the middle of a frame that the host does not take: no start is taken before the host took what was
    left, which ends with a last word, and not a word of it precedes the next frame.
    """
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program, sink = await harness.load(of, trace=True), harness.transport.sink
    await harness.call(harness.driver.load_images, of.batch(0))
    await harness.call(harness.driver.start)
    await RisingEdge(dut.m_axis_tvalid)
    await harness.transport.cycles(words)
    sink.pause = True
    await harness.transport.cycles(20)
    assert int(dut.m_axis_tvalid.value), "Nothing was offered"
    harness.transport.limit = 1000
    with pytest.raises(TimeoutError, match="Taking what m_axis still offers did not end within 1000 cycles"):
        await harness.call(harness.driver.abort)
    harness.transport.limit = LIMIT
    control = await harness.call(harness.driver.read, "CONTROL")
    assert control & IDLE_AND_READY == bit("CONTROL", "idle"), "Ready before the rest of the frame was taken"
    await harness.call(harness.driver.load_images, of.batch(1))
    await harness.call(harness.driver.write, "CONTROL", bit("CONTROL", "start"))
    with pytest.raises(AcceleratorError, match="START_BUSY"):
        await harness.call(harness.driver.raise_error)
    sink.pause = False
    await harness.call(harness.driver.start)  # without forgetting anything first
    cut = await harness.transport.receive_async()
    assert 4 <= len(cut) <= 4 * (words + 6), f"The frame that was cut has {len(cut)} bytes"
    assert cut[-4:] == bytes(4), "The frame that was cut does not end in a word of zeros"
    of.check(program, await harness.call(harness.driver.finish), 1)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(words=[0, 1, 2, 3, 40])
async def abort_in_a_packet(dut, words):
    """A packet aborted after ``words`` words is dropped without an error; the rest of its words go nowhere."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=False)
    sending = cocotb.start_soon(harness.transport.send_async(program.packets[1]))
    await RisingEdge(dut.s_axis_tvalid)
    await harness.transport.cycles(words)
    await harness.call(harness.driver.write, "CONTROL", ABORT)
    await sending
    assert await harness.call(harness.driver.read, "ERROR") == 0
    await harness.load(of, trace=False)
    await harness.check_inference(of, 2)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(words=[1, 2, 40])
async def reset_in_a_packet(dut, words):
    """A reset in a packet, on both sides; loading again is enough."""
    harness, of = await Harness.start(dut), subject("tiny", MODE)
    program = await harness.load(of, trace=False)
    await harness.transport.source.send(program.packets[1])
    await RisingEdge(dut.s_axis_tvalid)
    await harness.transport.cycles(words)
    await harness.transport.reset()
    await harness.call(harness.driver.identify)
    await harness.load(of, trace=False)
    await harness.check_inference(of, 2)
    await harness.finish()

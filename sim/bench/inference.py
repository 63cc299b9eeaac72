"""Whole inferences: every stored value against the golden model, every cycle against the cycle model."""

import cocotb

from gen.cycles import predict
from sim.bench.harness import Harness, subject
from sim.compare import expected_counters
from spec.registers import COUNTERS
from spec.supermask import Mode


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(mode=list(Mode), trace=[True, False])
async def values_and_cycles(dut, mode, trace):
    """Every value sent is the golden model's; every counter is the cycle model's, and the same for every image.

    Traced, that is every activation of every layer and iteration, and the logits.
    """
    harness = await Harness.start(dut)
    program = await harness.load(subject("small", mode), trace=trace)
    expected = expected_counters(predict(program))
    for image in range(2):
        result = await harness.check_inference(subject("small", mode), image)
        assert result.counters == expected, f"Counters are {result.counters}, the cycle model says {expected}"
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def images_do_not_mix(dut):
    """A, B, A back to back: the third result is the first, and the second is B's alone."""
    harness = await Harness.start(dut)
    await harness.load(subject("tiny", Mode.ANY), trace=True)
    for image in (0, 1, 0):
        await harness.check_inference(subject("tiny", Mode.ANY), image)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def fewer_images_than_lanes(dut):
    """Any number of images, in as many cycles; the results are theirs alone, whatever the other lanes hold."""
    harness, of = await Harness.start(dut), subject("tiny", Mode.ONE_OF_FOUR)
    program = await harness.load(of, trace=True)
    for count in range(1, program.config.lanes + 1):
        result = await harness.check_inference(of, count, count)
        assert result.counters == expected_counters(predict(program))
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def next_image_waits_its_turn(dut):
    """An image sent during an inference is taken after it and disturbs nothing."""
    harness, of = await Harness.start(dut), subject("tiny", Mode.TWO_OF_FOUR)
    await harness.load(of, trace=True)
    await harness.check_queued_image(of)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(probability=[0.4, 0.8])
async def stalls_change_nothing(dut, probability):
    """With every channel paused at random the results are the same, and the pauses really happened."""
    harness, of = await Harness.start(dut), subject("tiny", Mode.TWO_OF_FOUR)
    transport = harness.transport
    before = transport.waited
    transport.stall(probability, seed=cocotb.RANDOM_SEED)
    program = await harness.load(of, trace=True)
    result = await harness.check_inference(of, 0)
    for _ in range(8):
        assert await harness.call(harness.driver.counters) == result.counters
    pauses = dict(transport.pauses)
    waited = {name: cycles - before[name] for name, cycles in transport.waited.items()}
    transport.stall(0, seed=0)
    dut._log.info("seed %d: pauses %s, cycles waited %s", cocotb.RANDOM_SEED, pauses, waited)
    for name, cycles in pauses.items():
        assert cycles > 0, f"Channel {name} was never paused"
    for name in ("b", "r", "m_axis"):
        assert waited[name] > 0, f"The accelerator never had to wait on channel {name}"
    calm = expected_counters(predict(program))
    assert result.counters["TOTAL"] > calm["TOTAL"], "Stalled output took no longer"
    for name, _ in COUNTERS:
        if name not in ("TOTAL", "HOST", "SEQUENCER"):
            assert result.counters[name] == calm[name], f"Stalled output changed counter {name}"
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def two_models_are_resident(dut):
    """Two programs at different bases; PROGRAM_START alone switches between them."""
    one, other = subject("tiny", Mode.TWO_OF_FOUR), subject("tiny", Mode.ONE_OF_FOUR, seed=2)
    harness = await Harness.start(dut)
    first = await harness.load(one, trace=False)
    second = other.program(trace=False, after=first)
    await harness.call(harness.driver.load, second)
    for of, program, image in ((other, second, 0), (one, first, 1), (other, second, 2), (one, first, 0)):
        await harness.call(harness.driver.select, program)
        await harness.check_inference(of, image)
    await harness.finish()

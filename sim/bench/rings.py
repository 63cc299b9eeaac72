"""Layers that draw from rings, beside layers with masks: every value, every cycle, and models that take turns."""

import cocotb

from gen.cycles import predict
from sim.bench.harness import Harness, subject
from sim.compare import expected_counters
from spec.supermask import Mode

#: Words and planes: fewer words than a layer has, of one word, prime and not, all numbers of planes but 4; and a mode.
RINGS = [
    ((150, 5), Mode.ANY), ((37, 3), Mode.ONE_OF_FOUR), ((64, 2), Mode.ANY), ((1, 1), Mode.ONE_OF_FOUR),
]


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize((("ring", "mode"), RINGS))
async def values_and_cycles(dut, ring, mode):
    """Stem and classifier have masks of the mode, all others draw; traced and plain."""
    harness, of = await Harness.start(dut), subject("small", mode, ring=ring)
    for trace in (True, False):
        program = await harness.load(of, trace=trace)
        expected = expected_counters(predict(program))
        for image in range(2):
            result = await harness.check_inference(of, image)
            assert result.counters == expected, f"Counters are {result.counters}, the cycle model says {expected}"
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def models_with_and_without_a_ring_take_turns(dut):
    """Three programs at different bases, two of them with rings of their own; PROGRAM_START alone switches."""
    subjects = [
        subject("tiny", Mode.TWO_OF_FOUR, ring=(40, 5)), subject("tiny", Mode.ONE_OF_FOUR, seed=2),
        subject("tiny", Mode.ANY, seed=3, ring=(21, 2)),
    ]
    harness, programs = await Harness.start(dut), []
    for of in subjects:
        programs.append(of.program(trace=False, after=programs[-1] if programs else None))
        await harness.call(harness.driver.load, programs[-1])
    for number, image in ((2, 0), (0, 1), (1, 2), (0, 0), (2, 1), (1, 0)):
        await harness.call(harness.driver.select, programs[number])
        await harness.check_inference(subjects[number], image)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def stalls_and_aborts_change_nothing(dut):
    """With every channel paused at random, and after an abort in the middle of a ring layer."""
    harness, of = await Harness.start(dut), subject("tiny", Mode.TWO_OF_FOUR, ring=(40, 5))
    program = await harness.load(of, trace=True)
    harness.transport.stall(0.4, seed=cocotb.RANDOM_SEED)
    await harness.check_inference(of, 0)
    harness.transport.stall(0, seed=0)
    for command in predict(program).commands:
        if command.label == "stage1.fold.conv1":
            await harness.call(harness.driver.load_images, of.batch(0))
            await harness.call(harness.driver.start)
            await harness.transport.cycles(command.start + command.cycles // 2)
            await harness.call(harness.driver.abort)
            await harness.check_inference(of, 1)
    await harness.finish()

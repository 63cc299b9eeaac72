"""Masks that do not fit: whole inferences that stream them, hosts late, hosts wrong, and hosts that give up."""

import dataclasses
from random import Random

import cocotb
import numpy as np
import pytest

from gen.compile import Program
from gen.cycles import predict
from sim.bench.harness import Harness, subject
from sim.compare import expected_counters
from sim.errors import AcceleratorError
from spec.packets import CHUNK_NUMBER_LSB, HEADER_WORDS
from spec.registers import ErrorCode
from spec.supermask import Mode

MODE = Mode.ONE_OF_FOUR  #: Of the disturbed ones: the fewest cycles.
MOMENTS = 2  #: Cycles at which an inference is disturbed, drawn from the test's seed.


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(mode=list(Mode), trace=[True, False])
async def values_and_cycles(dut, mode, trace):
    """Every value is the golden model's, every counter the cycle model's, and the pins carry just what was compiled."""
    harness, of = await Harness.start(dut), subject("small", mode)
    program = await harness.load(of, trace=trace)
    streamed = {part.layer.name for part in program.plan.layers if part.streamed}
    assert streamed, "Everything fits, so this tests nothing"
    expected = expected_counters(predict(program))
    for image in range(2):
        before = harness.transport.bytes_in
        result = await harness.check_inference(of, image)
        sent = [*of.image_packets(program, image), *program.stream_packets]
        assert harness.transport.bytes_in - before == sum(map(len, sent))
        assert result.counters == expected, f"Counters are {result.counters}, the cycle model says {expected}"
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(probability=[0.4, 0.9])
async def stalls_change_nothing(dut, probability):
    """With every channel paused at random the values are the same."""
    harness, of = await Harness.start(dut), subject("small", MODE)
    harness.transport.stall(probability, seed=cocotb.RANDOM_SEED)
    await harness.load(of, trace=True)
    await harness.check_inference(of, 0)
    assert harness.transport.pauses["s_axis"], "The host was never late"
    harness.transport.stall(0, seed=0)
    await harness.finish()


async def _sluggish(harness: Harness, rng: Random) -> None:
    """Send in bursts of a few words, with time for whole tiles in between."""
    while True:
        harness.transport.source.pause = True
        await harness.transport.cycles(rng.randint(1, 6000))
        harness.transport.source.pause = False
        await harness.transport.cycles(rng.randint(1, 60))


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def late_chunks_are_waited_for(dut):
    """However late chunks come, values are the same and the array works as long; the wait counts as MASK_WAIT."""
    harness, of = await Harness.start(dut), subject("small", MODE)
    program = await harness.load(of, trace=False)
    calm = expected_counters(predict(program))
    await harness.call(harness.driver.load_images, of.batch(0))
    sending = cocotb.start_soon(_sluggish(harness, Random(cocotb.RANDOM_SEED)))
    await harness.call(harness.driver.start)
    result = await harness.call(harness.driver.finish)
    sending.cancel()
    harness.transport.source.pause = False
    of.check(program, result, 0)
    assert result.counters["MASK_WAIT"] > calm["MASK_WAIT"] + 1000, "Late chunks kept nobody waiting"
    for name in ("ARRAY", "DRAIN", "REQUANTIZE", "HOST"):
        assert result.counters[name] == calm[name], f"Late chunks changed counter {name}"
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
@cocotb.parametrize(reset=[False, True])
async def given_up(dut, reset):
    """An abort or a reset at a random moment: the chunks on their way are dropped, and the next inference is right."""
    harness, of = await Harness.start(dut), subject("small", MODE)
    program = await harness.load(of, trace=True)

    async def disturb():
        if reset:
            await harness.transport.reset()
            await harness.call(harness.driver.identify)
            await harness.call(harness.driver.select, program)
        else:
            await harness.call(harness.driver.abort)
            assert await harness.call(harness.driver.read, "ERROR") == 0

    await harness.check_disturbed(of, predict(program).total, MOMENTS, disturb)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def abort_without_withdrawal(dut):
    """A host that cannot take back what it queued: chunks of the aborted inference are dropped on arrival."""
    harness, of = await Harness.start(dut), subject("small", MODE)
    await harness.load(of, trace=True)
    await harness.call(harness.driver.load_images, of.batch(0))
    await harness.call(harness.driver.start)
    await harness.transport.cycles(300)
    await harness.call(harness.driver.write, "CONTROL", 1 << 8)
    assert not harness.transport.source.idle(), "Nothing was queued any more"
    await harness.transport.source.wait()
    await harness.transport.discard_async()
    await harness.check_inference(of, 1)
    await harness.finish()


def _damaged(program: Program, number: int, damage) -> Program:
    """``program`` with chunk ``number`` of its stream replaced by what ``damage`` makes of its words."""
    packets = list(program.stream_packets)
    packets[number] = np.array(damage(np.frombuffer(packets[number], "<u4").tolist()), "<u4").tobytes()
    copy = dataclasses.replace(program)
    vars(copy)["stream_packets"] = tuple(packets)
    return copy


def _renumbered(words: list[int]) -> list[int]:
    return [words[0], (words[1] + (1 << CHUNK_NUMBER_LSB)) % (1 << 32), *words[2:]]


#: What is done to the words of a chunk, and what it is answered with.
DAMAGES = {
    "number": (_renumbered, ErrorCode.STREAM_ORDER),
    "another": (lambda words: [words[0] - 1, 0, 1, 0], ErrorCode.STREAM_ORDER),
    "none": (lambda words: [0xDEAD, 0, 1, 0], ErrorCode.STREAM_ORDER),
    "a word less": (lambda words: [*words[:2], words[2] - 1, *words[HEADER_WORDS:-1]], ErrorCode.STREAM_LENGTH),
    "a word more": (lambda words: [*words[:2], words[2] + 1, *words[HEADER_WORDS:], 0], ErrorCode.STREAM_LENGTH),
    "cut": (lambda words: words[:-1], ErrorCode.PACKET_SHORT),
    "grown": (lambda words: [*words, 0], ErrorCode.PACKET_LONG),
    "beyond": (lambda words: [words[0], words[1] | 0xFF_FFFF, *words[2:]], ErrorCode.PACKET_RANGE),
}


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def wrong_chunks(dut):
    """Each wrong chunk stops the inference with its code; the next inference is right."""
    harness, of = await Harness.start(dut), subject("small", MODE)
    program = await harness.load(of, trace=False)
    # Chunk 0 comes before the start.
    for number, name in [(0, "number"), (0, "cut"), *((5, name) for name in DAMAGES)]:
        damage, code = DAMAGES[name]
        dut._log.info("chunk %d: %s", number, name)
        harness.driver.program = _damaged(program, number, damage)
        with pytest.raises(AcceleratorError) as caught:
            await harness.call(harness.driver.infer, of.batch(0))
        assert caught.value.code is code, f"Chunk {number}, {name}: error is {caught.value}, not {code.name}"
        assert await harness.call(harness.driver.read, "CONTROL") & 0b1100 == 0b1100, "Not idle and ready"
        harness.driver.program = program
        await harness.check_inference(of, 1)
    await harness.finish()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def next_image_waits_its_turn(dut):
    """An image sent behind the chunks is taken after the inference."""
    harness, of = await Harness.start(dut), subject("small", MODE)
    await harness.load(of, trace=True)
    await harness.check_queued_image(of)
    await harness.finish()

"""The engine between its own ports: shapes of build, end of an inference, causes of cycles, unknown commands."""

import numpy as np
import pytest

from gen.compile import compile_model
from gen.cycles import predict
from rtl.base.ports import Cause
from rtl.control.engine import Engine
from spec import golden
from spec.block import Stem
from spec.commands import COMMAND_WORDS
from spec.network import Network
from spec.packets import HEADER_WORDS, LANE_LSB, PACKET_MAGIC, PER_LANE
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model

#: Groups, rows, lanes, rows of weights per cycle, and rows per requantizer.
SHAPES = {
    "4x16": (4, 16, 1, 1, 1), "8x4x2-by-2": (8, 4, 2, 2, 1), "4x8-by-8": (4, 8, 1, 8, 1), "4x4x4": (4, 4, 4, 1, 1),
    "4x16-in-turns": (4, 16, 1, 1, 16), "8x4x2-in-turns": (8, 4, 2, 4, 2), "4x8-in-turns": (4, 8, 1, 8, 4),
}
QUICK = ("4x16", "4x8-by-8", "4x4x4", "4x8-in-turns")


async def load(ctx, dut, packet):
    """Write the payload of a packet word by word."""
    header, *payload = np.frombuffer(packet, "<u4").tolist()
    target = header - PACKET_MAGIC
    lane, first = divmod(payload[0], 1 << LANE_LSB) if target in PER_LANE else (0, payload[0])
    ctx.set(dut.load.en, 1)
    ctx.set(dut.load.target, target)
    ctx.set(dut.load.lane, lane)
    for index, word in enumerate(payload[HEADER_WORDS - 1 :]):
        ctx.set(dut.load.address, first + index)
        ctx.set(dut.load.data, word)
        await ctx.tick()
    ctx.set(dut.load.en, 0)


async def run(ctx, dut, first, ready=lambda: True):
    """One inference: output words, the cause of every cycle, and the errors reported."""
    ctx.set(dut.program_start, first)
    ctx.set(dut.start, 1)
    await ctx.tick()
    ctx.set(dut.start, 0)
    words, causes, errors = [], [], []
    while ctx.get(dut.busy):
        take = ready()
        ctx.set(dut.words.ready, take)
        causes.append(ctx.get(dut.cause))
        if take and ctx.get(dut.words.valid):
            words.append(ctx.get(dut.words.payload))
        if ctx.get(dut.error.valid):
            errors.append(ctx.get(dut.error.info))
        done = ctx.get(dut.done)
        await ctx.tick()
        assert done == (not ctx.get(dut.busy)), "done must mark the last cycle, and only it"
    return words, causes, errors


def frames_of(words):
    """Words cut into payloads."""
    frames, frame = [], b""
    for word in words:
        frame += word.data.to_bytes(4, "little")
        if word.last:
            frames.append(frame)
            frame = b""
    assert not frame, "the last frame has no end"
    return frames


@pytest.mark.parametrize("shape", [
    pytest.param(shape, marks=() if shape in QUICK else pytest.mark.slow) for shape in SHAPES
])
def test_shapes(simulate, small_model, fitting, shape):
    """Logits of every lane and cycles, cause by cause, on builds of other shapes."""
    groups, rows, lanes, weight_rows, turns = SHAPES[shape]
    model = small_model(mode=Mode.TWO_OF_FOUR, widths=(4, 12), image=(2, 3, 2), classes=7)
    config = fitting(
        model.network, groups * rows * lanes, groups=groups, rows=rows, lanes=lanes, weight_rows=weight_rows,
        rows_per_requantizer=turns,
    )
    program = compile_model(model, config)
    images = random_images(model.network, lanes, 2)
    dut = Engine(config)

    async def testbench(ctx):
        image_packets = [program.image_packet(image, lane) for lane, image in enumerate(images)]
        for packet in (*program.packets, *image_packets):
            await load(ctx, dut, packet)
        words, causes, errors = await run(ctx, dut, program.start)
        logits = [frame.decode(payload) for frame, payload in zip(program.frames, frames_of(words), strict=True)]
        assert np.array_equal(logits, golden.run(model, images).logits)
        assert {cause: causes.count(cause) for cause in Cause} == predict(program).causes
        assert errors == []

    simulate(dut, testbench)


@pytest.mark.parametrize("mode", Mode)
def test_builds_of_one_mode(simulate, fitting, mode):
    """Nothing is decided that is alike in all layers, and everything is as it was."""
    network = Network("flat", 1, (2, 3, 4), Stem(1, 1, 0, 12), (), 3, 0.25, {"stem": mode, "classifier": mode})
    model = synthetic_model(network, 1)
    program = compile_model(model, fitting(network, modes=(mode,)))
    image, dut = random_images(network, 1, 2), Engine(program.config)

    async def testbench(ctx):
        for packet in (*program.packets, program.image_packet(image[0])):
            await load(ctx, dut, packet)
        words, causes, _ = await run(ctx, dut, program.start)
        (frame,) = frames_of(words)
        assert np.array_equal(program.frames[0].decode(frame), golden.run(model, image).logits[0])
        assert len(causes) == predict(program).total

    simulate(dut, testbench)


def test_host_stalls_are_counted(simulate, small_model, fitting):
    """A host that takes every third word gets the same words; the array works as long as ever."""
    model = small_model(mode=Mode.ONE_OF_FOUR, image=(2, 2, 1))
    program = compile_model(model, fitting(model.network), trace=True)
    image = program.image_packet(random_images(model.network, 1, 2)[0])
    dut = Engine(program.config)
    beat = 0

    def every_third():
        nonlocal beat
        beat = (beat + 1) % 3
        return beat == 0

    async def testbench(ctx):
        for packet in (*program.packets, image):
            await load(ctx, dut, packet)
        fast, unstalled, _ = await run(ctx, dut, program.start)
        await load(ctx, dut, image)
        slow, stalled, _ = await run(ctx, dut, program.start, every_third)
        assert frames_of(slow) == frames_of(fast)
        waited = stalled.count(Cause.HOST) - unstalled.count(Cause.HOST)
        assert len(slow) < waited <= 2 * len(slow)
        for cause in (Cause.ARRAY, Cause.DRAIN, Cause.REQUANTIZE):
            assert stalled.count(cause) == unstalled.count(cause)

    simulate(dut, testbench)


def test_unknown_command_ends_the_inference(simulate, small_model, fitting):
    """Commands before it finish, its index is reported once, and position says where the program was."""
    model = small_model(mode=Mode.ONE_OF_FOUR, image=(1, 1, 1))
    program = compile_model(model, fitting(model.network), command_base=0)
    dut = Engine(program.config)

    async def testbench(ctx):
        for packet in program.packets:
            await load(ctx, dut, packet)
        header = np.array([PACKET_MAGIC, 2 * COMMAND_WORDS, 1, 15], "<u4")
        await load(ctx, dut, header.tobytes())
        words, causes, errors = await run(ctx, dut, program.start)
        assert (words, errors) == ([], [2])
        assert ctx.get(dut.position.command) == 2
        executed = sum(c.causes[Cause.ARRAY] for c in predict(program).commands[:2])
        assert causes.count(Cause.ARRAY) == executed

    simulate(dut, testbench)

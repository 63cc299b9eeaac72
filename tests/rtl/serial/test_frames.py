# amaranth: UnusedElaboratable=no
"""Frames against ``spec.serial_link``: content comes out as it went in, and damage is noticed."""

import random

import pytest

from rtl.serial.frames import FrameReceiver, FrameTransmitter
from spec.serial_link import ESCAPE, FLAG, encode, unescape

BROKEN = -1  # instead of a byte: one without stop bit

#: Every byte, and those that need an escape at every place.
CONTENTS = [bytes(range(256)), b"ab", bytes([FLAG, ESCAPE]), bytes([ESCAPE, ESCAPE, FLAG, 0x5D, 0x5E]), b"\0" * 30]


def received(simulate, line):
    """What the bytes of ``line`` give: (content, good) of every frame."""
    dut, frames = FrameReceiver(), []

    async def testbench(ctx):
        for byte in line:
            ctx.set(dut.byte, max(byte, 0))
            ctx.set(dut.valid, byte != BROKEN)
            ctx.set(dut.broken, byte == BROKEN)
            await ctx.tick()
            ctx.set(dut.valid, 0)
            ctx.set(dut.broken, 0)
            await ctx.tick().repeat(2)

    async def watch(ctx):
        content = b""
        while True:
            _, _, valid, byte, end, good = await ctx.tick().sample(dut.content_valid, dut.content, dut.end, dut.good)
            content += bytes([byte] * valid)
            if end:
                frames.append((content, bool(good)))
                content = b""

    simulate(dut, testbench, watch)
    return frames


def test_frames_are_taken_apart(simulate):
    """Whatever is in them, and with one, two or three flags between them."""
    line = b"".join(encode(content) for content in CONTENTS) + bytes([FLAG]) + encode(b"xy")
    shared = encode(b"one") + encode(b"two")[1:]
    assert received(simulate, line + shared) == [(content, True) for content in [*CONTENTS, b"xy", b"one", b"two"]]


def bodies(line):
    """What lies between the flags of ``line``."""
    found = [[]]
    for byte in line:
        if byte == FLAG:
            found.append([])
        else:
            found[-1].append(byte)
    return [body for body in found if body]


@pytest.mark.parametrize("damage", ["lost", "changed", "broken", "flag"])
def test_damage_is_noticed_and_the_next_frame_is_good(simulate, damage):
    """Every byte of a frame damaged, one by one, and a whole frame after each: as the spec says."""
    rng = random.Random(3)
    frame, after = encode(bytes([FLAG, *rng.randbytes(5), ESCAPE])), encode(b"next")
    line = []
    for place in range(1, len(frame) - 1):
        wrong = {"lost": [], "changed": [frame[place] ^ 1 << rng.randrange(8)], "broken": [BROKEN], "flag": [FLAG]}
        line += [*frame[:place], *wrong[damage], *frame[place + 1 :], *after]
    contents = [None if BROKEN in body else unescape(bytes(body)) for body in bodies(line)]
    assert contents.count(b"next") == len(frame) - 2 == sum(content is not None for content in contents)
    found = received(simulate, line)
    assert [good for _, good in found] == [content is not None for content in contents]
    assert [content for content, good in found if good] == [content for content in contents if content is not None]


@pytest.mark.parametrize("body", [b"a", b"abc", encode(b"a")[1:-1], encode(b"")[1:-1], bytes([ESCAPE]),
                                  encode(b"abc")[1:-1] + bytes([ESCAPE])])
def test_what_is_no_frame_is_not_good(simulate, body):
    found = received(simulate, bytes([FLAG]) + body + bytes([FLAG]) + encode(b"next"))
    assert [good for _, good in found] == [False, True]


def test_a_broken_byte_between_frames_spoils_nothing_but_itself(simulate):
    found = received(simulate, [BROKEN, *encode(b"one"), *encode(b"two")])
    assert found == [(b"", False), (b"one", True), (b"two", True)]


@pytest.mark.parametrize(("pause", "stall"), [(0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)])
def test_frames_are_put_together(simulate, pause, stall):
    dut, rng, sent = FrameTransmitter(), random.Random(4), []
    crc_escaped = next(c for c in (n.to_bytes(3, "little") for n in range(1 << 16)) if encode(c)[-3] == ESCAPE)
    contents = [*CONTENTS, crc_escaped, rng.randbytes(50)]
    expected = b"".join(map(encode, contents))

    async def source(ctx):
        for content in contents:
            for index, byte in enumerate(content):
                while rng.random() < pause:
                    await ctx.tick()
                ctx.set(dut.i.payload.data, byte)
                ctx.set(dut.i.payload.last, index == len(content) - 1)
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
                ctx.set(dut.i.valid, 0)

    async def sink(ctx):
        offered = None
        while len(sent) < len(expected):
            ready = rng.random() >= stall
            ctx.set(dut.o.ready, ready)
            _, _, valid, byte = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            assert offered is None or (valid, byte) == (1, offered), "a byte was withdrawn or changed"
            offered = byte if valid and not ready else None
            sent.extend([byte] * (valid and ready))

    simulate(dut, sink, source)
    assert bytes(sent) == expected

"""Stored words and logits on their way out, whatever the host does."""

import random

import pytest

from rtl.base.ram import Ram
from rtl.control.store import Store
from spec.numerics import ACC_BITS, RING_WIDTHS


def export(simulate, shape, commands, stall, acc_bits=ACC_BITS):
    """Execute (base, count, from_psum, lane) commands; return frames, the cycles each took, and what the lanes held."""
    word_bytes, rows, lanes = shape
    dut = Store(word_bytes=word_bytes, rows=rows, lanes=lanes, acc_bits=acc_bits)
    rng, half = random.Random(stall), 1 << acc_bits - 1
    words = [[rng.randbytes(word_bytes) for _ in range(64)] for _ in range(lanes)]
    psums = [[[rng.randrange(-half, half) for _ in range(rows)] for _ in range(64)] for _ in range(lanes)]
    frames, cycles = [], []

    async def testbench(ctx):
        addresses = [0] * Ram.LATENCY
        for command in commands:
            for port, value in zip(("base", "count", "from_psum", "lane"), command, strict=True):
                ctx.set(getattr(dut, port), value)
            ctx.set(dut.start, 1)
            frame, offered, busy = [], None, 0
            while True:
                ready = rng.random() >= stall
                ctx.set(dut.words.ready, ready)
                assert not (offered and not ctx.get(dut.words.valid)), "a word was withdrawn"
                if ctx.get(dut.words.valid):
                    word = ctx.get(dut.words.payload)
                    assert offered in (None, (word.data, word.last)), "a word was changed"
                    offered = None if ready else (word.data, word.last)
                    if ready:
                        frame.append((word.data, word.last))
                addresses = [*addresses[1:], ctx.get(dut.address)]
                await ctx.tick()
                ctx.set(dut.start, 0)
                for lane in range(lanes):
                    ctx.set(dut.words_read[lane], int.from_bytes(words[lane][addresses[0] % 64], "little"))
                    for r, value in enumerate(psums[lane][addresses[0] % 64]):
                        ctx.set(dut.psums_read[lane][r], value)
                if not ctx.get(dut.busy):
                    break
                busy += 1
            frames.append(frame)
            cycles.append(busy)

    simulate(dut, testbench)
    return frames, cycles, words, psums


@pytest.mark.parametrize(("shape", "acc_bits"), [
    *((shape, ACC_BITS) for shape in ((16, 4, 1), (16, 16, 2), (32, 4, 4), (32, 32, 1))), ((16, 4, 1), RING_WIDTHS.acc),
])
@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
def test_frames(simulate, shape, acc_bits, stall):
    word_bytes, rows, lanes = shape
    commands = [(3, 1, 0), (0, 5 * word_bytes // 4, 0), (0, 1, 1), (7, word_bytes // 4 + 1, 0), (0, 3 * rows - 1, 1),
                (1, 2 * rows, 1)]
    commands = [(*command, lane) for command in commands for lane in range(lanes)]
    frames, cycles, words, psums = export(simulate, shape, commands, stall, acc_bits)
    for (base, count, from_psum, lane), frame, busy in zip(commands, frames, cycles, strict=True):
        if from_psum:
            content = b"".join(value.to_bytes(4, "little", signed=True) for row in psums[lane][base:] for value in row)
        else:
            content = b"".join(words[lane][base:])
        assert b"".join(data.to_bytes(4, "little") for data, _ in frame) == content[: 4 * count]
        assert [last for _, last in frame] == [0] * (count - 1) + [1]
        fastest = count + 3 * -(-count // (rows if from_psum else word_bytes // 4))
        assert busy == fastest if stall == 0 else busy >= fastest

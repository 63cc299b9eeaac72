"""Stored words and logits on their way out, whatever the host does."""

import random

import pytest

from rtl.exporter import Exporter
from rtl.ram import Ram
from spec.numerics import ACC_BITS, RING_WIDTHS


def export(simulate, shape, commands, stall, acc_bits=ACC_BITS):
    """Execute (base, count, from_psum) commands; return frames, the cycles each took, and what the memories held."""
    word_bytes, rows = shape
    dut, rng = Exporter(word_bytes=word_bytes, rows=rows, acc_bits=acc_bits), random.Random(stall)
    words = [rng.randbytes(word_bytes) for _ in range(64)]
    psums = [[rng.randrange(-(1 << acc_bits - 1), 1 << acc_bits - 1) for _ in range(rows)] for _ in range(64)]
    frames, cycles = [], []

    async def testbench(ctx):
        addresses = [0] * Ram.LATENCY
        for base, count, from_psum in commands:
            for port, value in (("base", base), ("count", count), ("from_psum", from_psum), ("start", 1)):
                ctx.set(getattr(dut, port), value)
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
                ctx.set(dut.word, int.from_bytes(words[addresses[0] % 64], "little"))
                for r, value in enumerate(psums[addresses[0] % 64]):
                    ctx.set(dut.psum[r], value)
                if not ctx.get(dut.busy):
                    break
                busy += 1
            frames.append(frame)
            cycles.append(busy)

    simulate(dut, testbench)
    return frames, cycles, words, psums


@pytest.mark.parametrize(("shape", "acc_bits"), [
    *((shape, ACC_BITS) for shape in ((16, 4), (16, 16), (32, 4), (32, 32))), ((16, 4), RING_WIDTHS.acc),
])
@pytest.mark.parametrize("stall", [0.0, 0.3, 0.8])
def test_frames(simulate, shape, acc_bits, stall):
    word_bytes, rows = shape
    commands = [(3, 1, 0), (0, 5 * word_bytes // 4, 0), (0, 1, 1), (7, word_bytes // 4 + 1, 0), (0, 3 * rows - 1, 1),
                (1, 2 * rows, 1)]
    frames, cycles, words, psums = export(simulate, shape, commands, stall, acc_bits)
    for (base, count, from_psum), frame, busy in zip(commands, frames, cycles, strict=True):
        if from_psum:
            content = b"".join(value.to_bytes(4, "little", signed=True) for row in psums[base:] for value in row)
        else:
            content = b"".join(words[base:])
        assert b"".join(data.to_bytes(4, "little") for data, _ in frame) == content[: 4 * count]
        assert [last for _, last in frame] == [0] * (count - 1) + [1]
        fastest = count + 3 * -(-count // (rows if from_psum else word_bytes // 4))
        assert busy == fastest if stall == 0 else busy >= fastest

"""Every row with its own entry, sum and residual, from the column that is meant, all at once or in turns."""

import numpy as np
import pytest

from rtl.lane.requantizer import Requantizer
from rtl.lane.requantizer_row import RequantizerRow
from spec.commands import Op, encode
from spec.numerics import requantize

SHIFTS = {"shift": 9, "bias_shift": 2, "residual_shift": 2}


@pytest.mark.parametrize(("word_bytes", "rows"), [(16, 4), (16, 16), (32, 8)])
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize(("adds", "bits"), [(0, 8), (1, 8), (1, 6)])
def test_rows_match_the_definition(simulate, layout_of, word_bytes, rows, signed, adds, bits):
    """A pixel a cycle; the result of each comes :data:`Requantizer.LATENCY` cycles later."""
    dut, rng = RequantizerRow(word_bytes=word_bytes, rows=rows), np.random.default_rng(rows)
    command = {"residual": adds, "residual_signed": signed, "output_signed": signed, "unused_bits": 8 - bits, **SHIFTS}
    expected, seen = [], []

    async def testbench(ctx):
        ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
        await ctx.tick()
        for cycle in range(60):
            acc = rng.integers(-3000, 3000, rows)
            multiplier, bias = rng.integers(-300, 300, rows), rng.integers(-20_000, 20_000, rows)
            word, column = rng.integers(0, 256, word_bytes, np.uint8), cycle % dut.columns
            for r in range(rows):
                ctx.set(dut.acc[r], int(acc[r]))
                ctx.set(dut.entries[r], {"multiplier": int(multiplier[r]), "bias": int(bias[r])})
            ctx.set(dut.residual_word, int.from_bytes(word.tobytes(), "little"))
            ctx.set(dut.residual_column, column)
            here = word[column * rows : (column + 1) * rows].view(np.int8 if signed else np.uint8).astype(np.int64)
            expected.append(requantize(
                acc, multiplier, bias, here * adds, shift=9, bias_shift=2, residual_shift=2, signed=bool(signed),
                bits=bits,
            ).astype(np.uint8).tolist())
            await ctx.tick()
            seen.append(list(ctx.get(dut.y).to_bytes(rows, "little")))

    simulate(dut, testbench)
    assert seen[Requantizer.LATENCY - 1 :] == expected[: len(expected) - Requantizer.LATENCY + 1]


@pytest.mark.parametrize(("word_bytes", "rows", "turns"), [(16, 4, 4), (16, 16, 2), (32, 8, 4)])
@pytest.mark.parametrize(("adds", "bits"), [(0, 8), (1, 6)])
def test_rows_in_turns_match_the_definition(simulate, layout_of, word_bytes, rows, turns, adds, bits):
    """One pixel behind the other: sums a cycle before entries and residual, all results in the last turn."""
    dut, rng = RequantizerRow(word_bytes=word_bytes, rows=rows, turns=turns), np.random.default_rng(rows)
    command, count, pixels = {"residual": adds, "unused_bits": 8 - bits, **SHIFTS}, rows // turns, 12
    acc = rng.integers(-3000, 3000, (pixels, rows))
    multiplier, bias = rng.integers(-300, 300, rows), rng.integers(-20_000, 20_000, rows)
    words = rng.integers(0, 256, (pixels, word_bytes), np.uint8)
    seen = []

    async def testbench(ctx):
        ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
        await ctx.tick()
        for cycle in range(pixels * turns + 1 + Requantizer.LATENCY):
            pixel, turn = divmod(cycle, turns)
            for r in range(rows):
                ctx.set(dut.acc[r], int(acc[min(pixel, pixels - 1), r]))
            ctx.set(dut.sums_turn, turn)
            pixel, turn = divmod(cycle - 1, turns)  # a cycle later
            for j in range(count):
                row = turn * count + j
                ctx.set(dut.entries[j], {"multiplier": int(multiplier[row]), "bias": int(bias[row])})
            ctx.set(dut.residual_word, int.from_bytes(words[min(pixel, pixels - 1)].tobytes(), "little"))
            ctx.set(dut.residual_column, max(0, pixel) % dut.columns * turns + turn)
            turn = (cycle - 1 - Requantizer.LATENCY) % turns
            ctx.set(dut.result_turn, turn)
            if turn == turns - 1 and cycle > Requantizer.LATENCY:
                seen.append(list(ctx.get(dut.y).to_bytes(rows, "little")))
            await ctx.tick()

    simulate(dut, testbench)
    columns = [word[i % dut.columns * rows :][:rows].astype(np.int64) for i, word in enumerate(words)]
    expected = requantize(
        acc, multiplier, bias, np.array(columns) * adds, shift=9, bias_shift=2, residual_shift=2, signed=False,
        bits=bits,
    )
    assert seen == expected.tolist()

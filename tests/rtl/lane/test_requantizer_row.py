"""Every row with its own entry, sum and residual, from the column that is meant."""

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

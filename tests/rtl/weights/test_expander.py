"""The expander, exhaustively, against the meaning of a mask."""

import itertools

import numpy as np
import pytest

from rtl.weights.expander import Expander
from spec.supermask import GROUP


def expected(nibble, signs, pass_index):
    """(select, negate) of the kept channel number ``pass_index``, None if there are fewer."""
    kept = [channel for channel in range(GROUP) if nibble >> channel & 1]
    return (kept[pass_index], signs >> kept[pass_index] & 1) if pass_index < len(kept) else None


def word(values, bits):
    return sum(value << bits * i for i, value in enumerate(values))


def got(ctx, dut, g):
    weight = ctx.get(dut.weights[g])
    return (weight.select, weight.negate) if weight.valid else None


@pytest.mark.parametrize("groups", [4, 8])
def test_raw_masks(simulate, groups):
    dut = Expander(groups=groups)

    async def testbench(ctx):
        for nibble, signs, pass_index in itertools.product(range(16), range(16), range(4)):
            nibbles = [(nibble + 5 * g) % 16 for g in range(groups)]
            negated = [(signs + 3 * g) % 16 for g in range(groups)]
            ctx.set(dut.mask, word(nibbles, GROUP))
            ctx.set(dut.signs, word(negated, GROUP))
            ctx.set(dut.pass_index, pass_index)
            ctx.set(dut.used, nibble)  # means nothing for raw masks, nor do codes
            ctx.set(dut.codes, 5 * signs)
            assert [got(ctx, dut, g) for g in range(groups)] == [
                expected(n, s, pass_index) for n, s in zip(nibbles, negated, strict=True)
            ]

    simulate(dut, testbench)


@pytest.mark.parametrize("groups", [4, 16])
def test_coded_masks(simulate, groups):
    dut = Expander(groups=groups)

    async def testbench(ctx):
        ctx.set(dut.coded, 1)
        for code, signs, valid in itertools.product(range(4), range(16), range(groups + 1)):
            codes = [(code + g) % 4 for g in range(groups)]
            negated = [(signs + 3 * g) % 16 for g in range(groups)]
            ctx.set(dut.codes, word(codes, 2))
            ctx.set(dut.mask, 5 * signs)  # means nothing here
            ctx.set(dut.signs, word(negated, GROUP))
            ctx.set(dut.used, (1 << valid) - 1)
            wanted = [expected(1 << c, s, 0) for c, s in zip(codes, negated, strict=True)]
            assert [got(ctx, dut, g) for g in range(groups)] == wanted[:valid] + [None] * (groups - valid)

    simulate(dut, testbench)


def test_the_passes_together_are_the_trits(simulate):
    """Four passes add up to mask x sign, each channel once, in channel order."""
    dut = Expander(groups=4)
    rng = np.random.default_rng(1)

    async def testbench(ctx):
        for _ in range(100):
            mask, signs = rng.integers(0, 2, (2, 16))
            ctx.set(dut.mask, word(mask.tolist(), 1))
            ctx.set(dut.signs, word(signs.tolist(), 1))
            trits, order = np.zeros(16, int), []
            for pass_index in range(4):
                ctx.set(dut.pass_index, pass_index)
                for g in range(4):
                    if weight := got(ctx, dut, g):
                        trits[4 * g + weight[0]] += 1 - 2 * weight[1]
                        order.append((g, weight[0]))
            assert trits.tolist() == (mask * (1 - 2 * signs)).tolist()
            for g in range(4):
                assert [c for group, c in order if group == g] == np.flatnonzero(mask[4 * g : 4 * g + 4]).tolist()

    simulate(dut, testbench)

"""The expander, exhaustively, against the meaning of a mask."""

import itertools

import numpy as np
import pytest

from rtl.weights.expander import Expander
from spec.supermask import CANDIDATES, GROUP


def word(values, bits):
    return sum(value << bits * i for i, value in enumerate(values))


def trits(nibble, signs):
    """Of the four channels of a group."""
    return np.array([(nibble >> c & 1) * (1 - 2 * (signs >> c & 1)) for c in range(GROUP)])


def got(ctx, dut, g, candidates):
    """What group ``g`` adds of its channels, of which a PE selects ``candidates``; nothing without a weight."""
    weight = ctx.get(dut.weights[g])
    return np.array(candidates[weight.select]) * ((1 - weight.idle) * (1 - 2 * weight.negate))


@pytest.mark.parametrize("groups", [4, 8])
def test_pairs(simulate, groups):
    """Each half of every mask, with every choice of signs."""
    dut = Expander(groups=groups)

    async def testbench(ctx):
        ctx.set(dut.pairs, 1)
        for nibble, signs, second in itertools.product(range(16), range(16), range(2)):
            nibbles = [(nibble + 5 * g) % 16 for g in range(groups)]
            negated = [(signs + 3 * g) % 16 for g in range(groups)]
            ctx.set(dut.mask, word(nibbles, GROUP))
            ctx.set(dut.signs, word(negated, GROUP))
            ctx.set(dut.second, second)
            ctx.set(dut.used, nibble)  # means nothing for raw masks, nor do codes
            ctx.set(dut.codes, 5 * signs)
            for g, (n, s) in enumerate(zip(nibbles, negated, strict=True)):
                assert got(ctx, dut, g, CANDIDATES).tolist() == trits(n, s)[2 * second : 2 * second + 2].tolist()

    simulate(dut, testbench)


@pytest.mark.parametrize("groups", [4, 8])
def test_at_most_one(simulate, groups):
    """Raw masks that keep at most one channel of a group, in one pass."""
    dut = Expander(groups=groups)

    async def testbench(ctx):
        for kept, signs in itertools.product(range(5), range(16)):
            nibbles = [1 << (kept + g) % 5 & 15 for g in range(groups)]
            negated = [(signs + 3 * g) % 16 for g in range(groups)]
            ctx.set(dut.mask, word(nibbles, GROUP))
            ctx.set(dut.signs, word(negated, GROUP))
            ctx.set(dut.used, 5 * signs)
            for g, (n, s) in enumerate(zip(nibbles, negated, strict=True)):
                assert got(ctx, dut, g, np.eye(GROUP, dtype=int)).tolist() == trits(n, s).tolist()

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
            for g, (c, s) in enumerate(zip(codes, negated, strict=True)):
                assert got(ctx, dut, g, np.eye(GROUP, dtype=int)).tolist() == trits((1 << c) * (g < valid), s).tolist()

    simulate(dut, testbench)

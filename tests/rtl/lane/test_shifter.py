"""Shifts against those of Python: every amount, extreme and random values, a cycle later, by the amount before."""

import random

import pytest

from rtl.lane.requantizer import new_shifters
from spec.numerics import MASK_WIDTHS, RING_WIDTHS, narrowed


@pytest.mark.parametrize("widths", [MASK_WIDTHS, RING_WIDTHS, narrowed(MASK_WIDTHS, 16)], ids=["masks", "rings", 16])
@pytest.mark.parametrize("which", range(3), ids=["biases", "residuals", "windows"])
def test_every_amount(simulate, which, widths):
    dut, rng = new_shifters(widths)[which], random.Random(which)
    bits, width, left = len(dut.value), len(dut.shifted), dut.left
    values = [(1 << bits - 1) - 1, 0, 1, -1, -(1 << bits - 1)]  # the first of them tells one amount from another

    async def testbench(ctx):
        held = 0
        for amount in (*range(1 << len(dut.amount)), *(rng.randrange(1 << len(dut.amount)) for _ in range(40))):
            ctx.set(dut.amount, amount)
            for value in (*values, *(rng.randrange(-(1 << bits - 1), 1 << bits - 1) for _ in range(10))):
                ctx.set(dut.value, value)
                await ctx.tick()
                whole = value << held if left else value >> held
                assert (ctx.get(dut.shifted) - whole) % (1 << width) == 0
                assert not left or ctx.get(dut.shifted) == whole
                held = amount

    simulate(dut, testbench)


def test_only_the_usual_sizes_are_modules():
    for widths in (MASK_WIDTHS, narrowed(MASK_WIDTHS, 16), narrowed(RING_WIDTHS, 20)):
        assert all(part.module for part in new_shifters(widths))
    assert [bool(part.module) for part in new_shifters(RING_WIDTHS)] == [True, True, False]

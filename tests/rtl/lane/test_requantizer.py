"""The requantizer against :func:`spec.numerics.requantize`: every shift, both ranges, residuals, halves, both ends."""

import itertools

import numpy as np
import pytest

from rtl.base.ports import Entry
from rtl.lane.requantizer import Requantizer
from spec.numerics import (
    BIAS_BITS,
    BIAS_SHIFT_MAX,
    MASK_WIDTHS,
    MULTIPLIER_BITS,
    RESIDUAL_SHIFT_MAX,
    RING_WIDTHS,
    SHIFT_MAX,
    narrowed,
    pack_entries,
    requantize,
)

#: Kinds of layer: (output signed, adds a residual, residual signed).
KINDS = {
    "relu": (0, 0, 0), "projection": (1, 0, 0), "identity": (0, 1, 0), "projected": (0, 1, 1), "all-signed": (1, 1, 1),
}


#: One multiplication or two, and fewer bits before the shift than the greatest shift.
NARROW = [narrowed(MASK_WIDTHS, bits) for bits in (16, 18, 19)]


def signed_range(bits):
    return -(1 << bits - 1), 1 << bits - 1


def fits(z, shift, widths=MASK_WIDTHS):
    """Whether every ``z``, with the half added, stays in its width, which spec.model proves for real models."""
    low, high = signed_range(widths.z)
    return (low <= z) & (z + (1 << shift - 1) < high)


def vectors(rng, shift, bias_shift, residual_shift, adds, residual_signed, widths, bits=8):
    """Random (acc, multiplier, bias, residual), then those that land on and beside every edge of the output."""
    count = 80
    scale = 2.0 ** rng.uniform(0, widths.acc - 1, count)
    acc = (rng.uniform(-1, 1, count) * scale).astype(np.int64)
    multiplier = rng.integers(*signed_range(MULTIPLIER_BITS), count)
    bias = (rng.uniform(-1, 1, count) * 2.0 ** rng.uniform(0, BIAS_BITS - 1, count)).astype(np.int64)
    low, high = (-128, 128) if residual_signed else (0, 256)
    residual = rng.integers(low, high, count) * adds
    half, whole = 1 << bits - 1, 1 << bits
    edges = np.array([-half - 1, -half, 1 - half, -1, 0, 1, half - 2, half - 1, half, whole - 2, whole - 1, whole])
    target = (edges[:, None] << shift) - (1 << shift - 1) + np.array([-1, 0, 1])
    target = target.ravel()
    target = target[np.abs(target) < 1 << widths.acc - 1]
    ones, zeros = np.ones_like(target), np.zeros_like(target)
    acc, multiplier = np.concatenate([acc, target, -target]), np.concatenate([multiplier, ones, -ones])
    bias, residual = np.concatenate([bias, zeros, zeros]), np.concatenate([residual, zeros, zeros])
    based = acc * multiplier + (bias << bias_shift)
    keep = fits(based, shift, widths) & fits(based + (residual << shift + residual_shift), shift, widths)
    return acc[keep], multiplier[keep], bias[keep], residual[keep]


@pytest.mark.parametrize("widths", [MASK_WIDTHS, RING_WIDTHS, *NARROW], ids=["masks", "rings", 16, 18, 19])
@pytest.mark.parametrize("kind", KINDS)
def test_every_shift(simulate, kind, widths):
    check_shifts(simulate, kind, widths, range(1, SHIFT_MAX + 1))


@pytest.mark.parametrize("bits", [4, 5, 6, 7])
@pytest.mark.parametrize("kind", KINDS)
def test_fewer_bits(simulate, kind, bits):
    check_shifts(simulate, kind, MASK_WIDTHS, (1, 2, 7, 12, 20, 31), bits)


def check_shifts(simulate, kind, widths, shifts, bits=8):
    """Every operand of :func:`vectors` at every shift."""
    output_signed, adds, residual_signed = KINDS[kind]
    rng = np.random.default_rng(len(kind))
    dut = Requantizer(widths)
    reached, total = set(), 0

    async def testbench(ctx):
        nonlocal total
        for shift in shifts:
            bias_shift = int(rng.integers(0, BIAS_SHIFT_MAX + 1))
            residual_shift = int(rng.integers(0, min(RESIDUAL_SHIFT_MAX, max(0, 23 - shift)) + 1))
            given = vectors(rng, shift, bias_shift, residual_shift, adds, residual_signed, widths, bits)
            acc, multiplier, bias, residual = given
            expected = requantize(
                acc, multiplier, bias, residual,
                shift=shift, bias_shift=bias_shift, residual_shift=residual_shift, signed=bool(output_signed),
                bits=bits,
            )
            for port, value in {
                "shift": shift, "bias_shift": bias_shift, "residual_shift": residual_shift, "add_residual": adds,
                "residual_signed": residual_signed, "output_signed": output_signed, "unused_bits": 8 - bits,
            }.items():
                ctx.set(getattr(dut, port), value)
            await ctx.tick()
            seen = []
            for i in range(len(acc) + dut.LATENCY - 1):
                if i < len(acc):
                    ctx.set(dut.acc, int(acc[i]))
                    ctx.set(dut.entry, {"multiplier": int(multiplier[i]), "bias": int(bias[i])})
                    ctx.set(dut.residual, int(residual[i]) & 0xFF if adds else int(rng.integers(256)))
                await ctx.tick()
                seen.append(ctx.get(dut.y))
            assert seen[dut.LATENCY - 1 :] == (expected & 0xFF).tolist(), f"shift {shift}"
            reached.update(expected.tolist())
            total += len(expected)

    simulate(dut, testbench)
    assert total >= 32 * len(shifts)
    half = 1 << bits - 1
    if output_signed:
        assert {-half, 1 - half, -1, 0, 1, half - 2, half - 1} <= reached
    else:
        assert {0, 1, half - 1, half, 2 * half - 2, 2 * half - 1} <= reached


#: The widest operands that fit together: acc, multiplier, bias, residual, then sh, bsh, rsh.
RING_EXTREMES = [
    ((1 << 28) - (1 << 20), 2047, 0, 0, 31, 0, 0), (-(1 << 28), 2047, 0, 0, 31, 0, 0),
    (-(1 << 31), 255, 0, 0, 31, 0, 0), ((1 << 31) - 1, -255, 0, 0, 31, 0, 0), (0, 0, 0, 255, 31, 0, 0),
    (0, 0, (1 << 19) - 1, 255, 28, 7, 3), (-(1 << 28), 2047, 0, 255, 28, 0, 3),
]
EXTREMES = [
    ((1 << 20) - 1, 2047, 0, 0, 20, 0, 0), (-(1 << 20), 2047, 0, 0, 20, 0, 0), ((1 << 20) - 1, -2048, 0, 0, 31, 0, 0),
    (-(1 << 19), -2048, 0, 0, 23, 0, 0), (-(1 << 23), 255, 0, 0, 24, 0, 0), ((1 << 23) - 1, -256, 0, 0, 24, 0, 0),
    (0, 0, (1 << 19) - 1, 0, 12, 7, 0), (0, 0, -(1 << 19), 0, 12, 7, 0), (0, 0, 0, 255, 23, 0, 0),
    (-255, 1 << 10, 0, 255, 10, 0, 0), (-(1 << 20), 2047, (1 << 19) - 1, 255, 20, 7, 3),
    # a residual brings back what the shift alone would leave out of range
    (-(2040 << 4), 16, 0, 255, 8, 0, 3), (-(2039 << 4), 16, 0, 255, 8, 0, 3), (-(1785 << 4), 16, 0, 255, 8, 0, 3),
    (-(4096 << 4), 16, 0, 255, 8, 0, 3), (-(4097 << 4), 16, 0, 255, 8, 0, 3), (4096 << 4, 16, 0, 255, 8, 0, 3),
]


@pytest.mark.parametrize("bits", range(16, 21))
def test_the_greatest_products_of_narrow_sums(simulate, bits):
    widths, half = narrowed(MASK_WIDTHS, bits), 1 << bits - 1
    dut = Requantizer(widths)
    cases = list(itertools.product((-half, half - 1), (-2048, 2047), (-(1 << 19), (1 << 19) - 1)))

    async def testbench(ctx):
        ports = {"shift": bits + 4, "bias_shift": BIAS_SHIFT_MAX, "residual_shift": 0, "output_signed": 1}
        for port, value in ports.items():
            ctx.set(getattr(dut, port), value)
        await ctx.tick()
        for acc, multiplier, bias in cases:
            ctx.set(dut.acc, acc)
            ctx.set(dut.entry, {"multiplier": multiplier, "bias": bias})
            await ctx.tick().repeat(dut.LATENCY)
            expected = requantize(
                np.array([acc]), np.array([multiplier]), np.array([bias]), np.array([0]), shift=bits + 4,
                bias_shift=BIAS_SHIFT_MAX, residual_shift=0, signed=True,
            )
            assert ctx.get(dut.y) == int(expected[0]) & 0xFF

    simulate(dut, testbench)


@pytest.mark.parametrize(("widths", "case"), [
    *((MASK_WIDTHS, case) for case in EXTREMES), *((RING_WIDTHS, case) for case in (*EXTREMES, *RING_EXTREMES)),
])
def test_extreme_operands(simulate, widths, case):
    acc, multiplier, bias, residual, shift, bias_shift, residual_shift = case
    dut = Requantizer(widths)

    async def testbench(ctx):
        for port, value in {
            "acc": acc, "residual": residual, "add_residual": 1, "shift": shift, "bias_shift": bias_shift,
            "residual_shift": residual_shift,
        }.items():
            ctx.set(getattr(dut, port), value)
        ctx.set(dut.entry, {"multiplier": multiplier, "bias": bias})
        await ctx.tick().repeat(1 + dut.LATENCY)
        assert fits(acc * multiplier + (bias << bias_shift) + (residual << shift + residual_shift), shift, widths)
        assert ctx.get(dut.y) == requantize(
            *map(np.int64, (acc, multiplier, bias, residual)),
            shift=shift, bias_shift=bias_shift, residual_shift=residual_shift, signed=False,
        )

    simulate(dut, testbench)


def test_entry_lies_as_the_host_packs_it():
    for multiplier, bias in ((-2048, -(1 << 19)), (2047, (1 << 19) - 1), (-1, 5), (5, -1)):
        entry = Entry.from_bits(int(pack_entries(np.int64(multiplier), np.int64(bias))))
        assert (entry.multiplier, entry.bias) == (multiplier, bias)

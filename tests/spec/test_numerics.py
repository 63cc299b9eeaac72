"""The arithmetic against Python integers, fractions and plain loops; no tolerances."""

import dataclasses
from fractions import Fraction
from itertools import product
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spec.numerics import (
    ACC_BITS,
    ACC_BITS_MIN,
    ACTIVATION_BITS,
    ACTIVATION_BITS_MIN,
    BIAS_BITS,
    BIAS_SHIFT_MAX,
    MASK_WIDTHS,
    MULTIPLIER_BITS,
    RESIDUAL_SHIFT_MAX,
    RING_WIDTHS,
    SHIFT_MAX,
    Z_BITS,
    Requantization,
    accumulate,
    accumulator_bounds,
    fold,
    max_pool,
    narrowed,
    output_range,
    pack_entries,
    prepare,
    requantize,
    unpack_entries,
    upsample,
    z_bounds,
)
from spec.refusal import Refused


def slow_requantize(acc, multiplier, bias, residual, shift, bias_shift, residual_shift, signed) -> int:
    """docs/design/numbers.md, in fractions: exact z over 2**sh, half up, clamped."""
    z = acc * multiplier + bias * 2**bias_shift + residual * 2 ** (shift + residual_shift)
    rounded = floor(Fraction(z, 2**shift) + Fraction(1, 2))
    low, high = (-128, 127) if signed else (0, 255)
    return min(max(rounded, low), high)


def test_widths_are_the_contract():
    assert (ACC_BITS, MULTIPLIER_BITS, BIAS_BITS, Z_BITS) == (24, 12, 20, 32)
    assert (SHIFT_MAX, BIAS_SHIFT_MAX, RESIDUAL_SHIFT_MAX) == (31, 7, 3)
    assert (output_range(signed=False), output_range(signed=True)) == ((0, 255), (-128, 127))
    assert (ACTIVATION_BITS_MIN, ACTIVATION_BITS) == (4, 8)


@pytest.mark.parametrize(("bits", "unsigned", "signed"), [
    (4, (0, 15), (-8, 7)), (5, (0, 31), (-16, 15)), (6, (0, 63), (-32, 31)), (7, (0, 127), (-64, 63)),
    (8, (0, 255), (-128, 127)),
])
def test_ranges_of_fewer_bits(bits, unsigned, signed):
    assert (output_range(False, bits), output_range(True, bits)) == (unsigned, signed)
    values = np.arange(-300, 300)
    for is_signed, (low, high) in ((False, unsigned), (True, signed)):
        numbers = Requantization(np.array([[2]]), np.array([[0]]), 1, 0, 0, is_signed, bits)
        assert numbers.apply(values, 0).tolist() == [min(max(value, low), high) for value in values.tolist()]


@pytest.mark.parametrize(
    ("acc", "multiplier", "bias", "residual", "shifts", "signed", "stored"),
    [
        # acc*M / 2**sh rounds half up, also below zero
        (1, 1, 0, 0, (1, 0, 0), True, 1),
        (3, 1, 0, 0, (1, 0, 0), True, 2),
        (-1, 1, 0, 0, (1, 0, 0), True, 0),
        (-3, 1, 0, 0, (1, 0, 0), True, -1),
        (-5, 1, 0, 0, (2, 0, 0), True, -1),
        (-6, 1, 0, 0, (2, 0, 0), True, -1),
        (-7, 1, 0, 0, (2, 0, 0), True, -2),
        (7, -1, 0, 0, (2, 0, 0), True, -2),
        # saturation at both ends
        (510, 1, 0, 0, (1, 0, 0), False, 255),
        (511, 1, 0, 0, (1, 0, 0), False, 255),
        (512, 1, 0, 0, (1, 0, 0), False, 255),
        (-2, 1, 0, 0, (1, 0, 0), False, 0),
        (254, 1, 0, 0, (1, 0, 0), True, 127),
        (256, 1, 0, 0, (1, 0, 0), True, 127),
        (-256, 1, 0, 0, (1, 0, 0), True, -128),
        (-258, 1, 0, 0, (1, 0, 0), True, -128),
        (2**23 - 1, 2047, 0, 0, (1, 0, 0), False, 255),
        (-(2**23), 2047, 0, 0, (1, 0, 0), True, -128),
        # the bias has a shift of its own
        (0, 0, 5, 0, (1, 2, 0), False, 10),
        (0, 0, -5, 0, (1, 2, 0), True, -10),
        (0, 0, 5, 0, (3, 0, 0), False, 1),
        (0, 0, 3, 0, (3, 0, 0), False, 0),
        (0, 0, 4, 0, (3, 0, 0), False, 1),
        # the residual is added at its own scale, before the one rounding
        (0, 0, 0, 77, (5, 0, 0), False, 77),
        (0, 0, 0, 77, (5, 0, 1), False, 154),
        (0, 0, 0, -7, (5, 0, 2), True, -28),
        (1, 1, 0, 7, (1, 0, 3), False, 57),  # 0.5 rounds up beside it
        (16, 1, 0, 3, (5, 0, 0), False, 4),
        (15, 1, 0, 3, (5, 0, 0), False, 3),
        (-32, 1, 0, 255, (5, 0, 0), False, 254),
        (32, 1, 0, 255, (5, 0, 0), False, 255),
    ],
)
def test_requantize(acc, multiplier, bias, residual, shifts, signed, stored):
    names = ("shift", "bias_shift", "residual_shift")
    numbers = {**dict(zip(names, shifts, strict=True)), "signed": signed}
    assert slow_requantize(acc, multiplier, bias, residual, **numbers) == stored
    arrays = (np.array([value]) for value in (acc, multiplier, bias, residual))
    assert requantize(*arrays, **numbers).tolist() == [stored]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shift", [1, 2, 5])
def test_requantize_every_small_accumulator(shift, signed):
    acc = np.arange(-10000, 10000)
    got = requantize(acc, np.int64(1), np.int64(0), 0, shift=shift, bias_shift=0, residual_shift=0, signed=signed)
    assert got.tolist() == [slow_requantize(a, 1, 0, 0, shift, 0, 0, signed) for a in acc.tolist()]


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_requantize_against_fractions(data):
    shift = data.draw(st.integers(1, 31))
    bias_shift = data.draw(st.integers(0, BIAS_SHIFT_MAX))
    residual_shift = data.draw(st.integers(0, RESIDUAL_SHIFT_MAX))
    signed = data.draw(st.booleans())
    acc = data.draw(st.lists(st.integers(-(2**23), 2**23 - 1) | st.integers(-600, 600), min_size=4, max_size=4))
    multiplier = data.draw(st.lists(st.integers(-2048, 2047) | st.integers(-2, 2), min_size=4, max_size=4))
    bias = data.draw(st.lists(st.integers(-(2**19), 2**19 - 1) | st.integers(-4, 4), min_size=4, max_size=4))
    residual = data.draw(st.lists(st.integers(-128, 255), min_size=4, max_size=4))
    numbers = {"shift": shift, "bias_shift": bias_shift, "residual_shift": residual_shift, "signed": signed}
    got = requantize(*(np.array(v, np.int64) for v in (acc, multiplier, bias, residual)), **numbers)
    expected = [slow_requantize(*values, **numbers) for values in zip(acc, multiplier, bias, residual, strict=True)]
    assert got.tolist() == expected


def test_apply_takes_the_entries_of_its_iteration():
    numbers = Requantization(np.array([[2, 4], [6, 8]]), np.array([[1, 3], [5, 7]]), 1, 1, 0, False)
    assert numbers.apply(np.array([10, 20]), 0).tolist() == [11, 43]
    assert numbers.apply(np.array([10, 20]), 1).tolist() == [35, 87]
    assert numbers.apply(np.array([10, 20]), 1, np.array([100, 1])).tolist() == [135, 88]


def test_split_parts_the_iterations_and_keeps_the_rest():
    numbers = Requantization(np.arange(8).reshape(4, 2), np.arange(8, 16).reshape(4, 2), 3, 2, 1, True, 6)
    parts = numbers.split([1, 3])
    assert [part.multiplier.tolist() for part in parts] == [[[0, 1]], [[2, 3], [4, 5], [6, 7]]]
    assert [part.bias.tolist() for part in parts] == [[[8, 9]], [[10, 11], [12, 13], [14, 15]]]
    assert {(part.shift, part.bias_shift, part.residual_shift, part.signed, part.bits) for part in parts} == {
        (3, 2, 1, True, 6)
    }


def slow_accumulate(activations, trits, stride, pad):
    images, height, width, channels = activations.shape
    outputs, kernel = trits.shape[:2]
    out_height = (height + 2 * pad - kernel) // stride + 1
    out_width = (width + 2 * pad - kernel) // stride + 1
    acc = np.zeros((images, out_height, out_width, outputs), object)
    for b, y, x, m in np.ndindex(acc.shape):
        for ky, kx, n in product(range(kernel), range(kernel), range(channels)):
            row, column = y * stride + ky - pad, x * stride + kx - pad
            if 0 <= row < height and 0 <= column < width:
                acc[b, y, x, m] += int(trits[m, ky, kx, n]) * int(activations[b, row, column, n])
    return acc


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("height", "width", "channels", "outputs", "kernel", "stride", "pad"),
    [
        (4, 5, 3, 2, 1, 1, 0),
        (5, 4, 3, 2, 1, 2, 0),
        (6, 6, 2, 3, 3, 1, 1),
        (6, 7, 2, 3, 3, 2, 1),
        (5, 8, 1, 2, 3, 2, 0),
        (7, 7, 1, 1, 3, 3, 1),
        (4, 4, 2, 2, 2, 1, 0),
        (3, 3, 1, 2, 5, 1, 2),
        (1, 1, 4, 4, 3, 1, 1),
    ],
)
def test_accumulate_against_loops(height, width, channels, outputs, kernel, stride, pad, seed):
    rng = np.random.default_rng(seed)
    activations = rng.integers(0, 256, (2, height, width, channels), dtype=np.uint8)
    trits = rng.integers(-1, 2, (outputs, kernel, kernel, channels), dtype=np.int8)
    got = accumulate(activations, trits, stride, pad)
    assert got.dtype == np.int64
    assert got.tolist() == slow_accumulate(activations, trits, stride, pad).tolist()


@pytest.mark.parametrize("trit", [1, -1])
def test_accumulate_is_exact_at_the_largest_sum(trit):
    activations = np.full((1, 3, 3, 7280), 255, np.uint8)
    activations[0, 1, 1, 7] = 254
    trits = np.full((1, 3, 3, 7280), trit, np.int8)
    assert accumulate(activations, trits, 1, 0).tolist() == [[[[trit * (255 * 9 * 7280 - 1)]]]]


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(3, 1, 1), (3, 2, 0), (2, 2, 1), (7, 2, 3), (1, 1, 0)])
def test_prepare_orders_taps_then_channels(kernel, stride, pad):
    channels, height, width = 3, 7, 8
    images = np.random.default_rng(1).integers(1, 256, (2, height, width, channels), dtype=np.uint8)
    got = prepare(images, kernel, stride, pad)
    assert got.dtype == np.uint8
    shape = ((height + 2 * pad - kernel) // stride + 1, (width + 2 * pad - kernel) // stride + 1)
    assert got.shape == (2, *shape, kernel * kernel * channels)
    for y, x, ky, kx, c in product(range(shape[0]), range(shape[1]), range(kernel), range(kernel), range(channels)):
        row, column = y * stride + ky - pad, x * stride + kx - pad
        inside = 0 <= row < height and 0 <= column < width
        expected = images[:, row, column, c] if inside else np.zeros(2, np.uint8)
        assert np.array_equal(got[:, y, x, (ky * kernel + kx) * channels + c], expected)


@pytest.mark.parametrize("size", [(1, 1), (4, 6), (7, 6), (5, 9)])
def test_upsample_against_plain_loops(size):
    height, width = size
    maps = np.random.default_rng(1).integers(0, 256, (2, -(-height // 2), -(-width // 2), 3), dtype=np.uint8)
    got = upsample(maps, height, width)
    assert (got.dtype, got.shape) == (np.uint8, (2, height, width, 3))
    for b, y, x, n in np.ndindex(got.shape):
        assert got[b, y, x, n] == maps[b, y // 2, x // 2, n]


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(3, 2, 1), (3, 1, 1), (2, 2, 0), (1, 3, 0), (5, 2, 2)])
@pytest.mark.parametrize("size", [(7, 6), (5, 9), (6, 5)])
def test_max_pool_against_plain_loops(kernel, stride, pad, size):
    maps = np.random.default_rng(1).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    got = max_pool(maps, kernel, stride, pad)
    assert got.dtype == np.uint8
    assert got.shape == (2, *((n + 2 * pad - kernel) // stride + 1 for n in size), 3)
    for b, y, x, n in np.ndindex(got.shape):
        rows = [i for i in range(y * stride - pad, y * stride - pad + kernel) if 0 <= i < size[0]]
        columns = [j for j in range(x * stride - pad, x * stride - pad + kernel) if 0 <= j < size[1]]
        assert got[b, y, x, n] == max(maps[b, i, j, n] for i in rows for j in columns)


def test_prepare_takes_an_empty_batch():
    assert prepare(np.zeros((0, 4, 4, 2), np.uint8), 3, 1, 1).shape == (0, 4, 4, 18)


def test_a_prepared_stem_is_the_convolution():
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    trits = rng.integers(-1, 2, (4, 1, 1, 27), dtype=np.int8)
    assert np.array_equal(
        accumulate(prepare(images, 3, 2, 1), trits, 1, 0), accumulate(images, trits.reshape(4, 3, 3, 3), 2, 1)
    )


@pytest.mark.parametrize(("positions", "largest"), [(1, 255), (4, 255), (1, 15), (4, 63)])
def test_accumulator_bounds_are_reached(positions, largest):
    trits = np.random.default_rng(3).integers(-1, 2, (5, 3, 3, 4), dtype=np.int8)
    trits[4] = 0
    low, high = accumulator_bounds(trits, positions, largest)
    worst, best = (
        [positions * int(accumulate(largest * (t == sign)[None].astype(np.uint8), t[None], 1, 0).item()) for t in trits]
        for sign in (-1, 1)
    )
    assert low.tolist() == worst
    assert high.tolist() == best
    assert (low[4], high[4]) == (0, 0)
    assert (low[:4] < 0).all()
    assert (high[:4] > 0).all()


@pytest.mark.parametrize("widths", [MASK_WIDTHS, RING_WIDTHS])
@pytest.mark.parametrize("acc", range(ACC_BITS_MIN, ACC_BITS + 1))
def test_narrow_sums_need_no_wider_registers(widths, acc):
    """The largest of all products and biases fit ``z``, but for what spec.model refuses; a bit less would not do."""
    assert narrowed(widths, acc).acc == acc
    z = narrowed(widths, acc).z
    sums = [a * m + (b << BIAS_SHIFT_MAX) for a, m, b in product(*(
        (-(1 << bits - 1), (1 << bits - 1) - 1) for bits in (acc, MULTIPLIER_BITS, BIAS_BITS)
    ))]
    fits = all(-(1 << z - 1) <= value < 1 << z - 1 for value in sums)
    assert fits if z < widths.z else z == widths.z
    assert any(value >= 1 << z - 2 for value in sums)


def test_accumulator_bounds_add_up_the_values_of_a_ring():
    weights = np.array([[[[121, -121, 5, 0]]], [[[-1, -2, -3, -4]]]], np.int8)
    low, high = accumulator_bounds(weights, positions=2)
    assert low.tolist() == [-2 * 255 * 121, -2 * 255 * 10]
    assert high.tolist() == [2 * 255 * 126, 0]


def test_a_wider_sum_lets_multipliers_keep_their_precision():
    """Of an accumulator of 28 bits: in 32 bits M keeps 4 of its 12, in 40 bits 11."""
    bound = np.array([(1 << 27) - 1])
    call = {"acc_low": -bound, "acc_high": bound, "where": "L"}
    narrow, wide = (fold(np.array([[2.0**-20]]), np.array([[0.0]]), **call, z_bits=bits) for bits in (32, 40))
    assert (narrow.shift, narrow.multiplier.item()) == (23, 8)
    assert (wide.shift, wide.multiplier.item()) == (30, 1024)


@pytest.mark.parametrize("signed_residual", [False, True])
@pytest.mark.parametrize(("shift", "residual_shift"), [(1, 0), (4, 2), (6, 3)])
def test_z_bounds_are_reached(shift, residual_shift, signed_residual):
    """The interval is exactly that of z at the corners, the upper end with the rounding constant."""
    rng = np.random.default_rng(4)
    numbers = Requantization(
        rng.integers(-2048, 2048, (2, 3)), rng.integers(-(2**19), 2**19, (2, 3)), shift, 3, residual_shift, False
    )
    low, high = rng.integers(-5000, 0, 3), rng.integers(0, 5000, 3)
    residuals = output_range(signed_residual)
    corners = [
        acc * m + b * 8 + r * 2 ** (shift + residual_shift)
        for t, c in product(range(2), range(3))
        for m, b in [(int(numbers.multiplier[t, c]), int(numbers.bias[t, c]))]
        for acc, r in product((int(low[c]), int(high[c])), residuals)
    ]
    assert z_bounds(numbers, low, high, residuals) == (min(corners), max(corners) + 2 ** (shift - 1))


def exact(values) -> list[Fraction]:
    return [Fraction(value) for value in np.asarray(values).ravel().tolist()]


def nearest(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))


def slow_fold(gain, offset, low, high, residual_range, residual_shift):
    """The largest shift whose nearest entries fit, tried in exact fractions; None if there is none."""
    channels = len(low)
    gains = [
        Fraction(0) if low[i % channels] == high[i % channels] == 0 else g for i, g in enumerate(exact(gain))
    ]
    offsets = exact(offset)
    for shift in range(31, 0, -1):
        multiplier = [nearest(g * 2**shift) for g in gains]
        if max(map(abs, multiplier)) > 2047:
            continue
        largest = max(map(abs, offsets)) * 2**shift
        fitting = [bsh for bsh in range(8) if nearest(largest / 2**bsh) <= 2**19 - 1]
        if not fitting:
            continue
        bias = [nearest(b * 2**shift / 2 ** fitting[0]) for b in offsets]
        sums = [
            acc * m + (b << fitting[0]) + r * 2 ** (shift + residual_shift)
            for i, (m, b) in enumerate(zip(multiplier, bias, strict=True))
            for acc in (int(low[i % channels]), int(high[i % channels]))
            for r in residual_range
        ]
        if min(sums) >= -(2**31) and max(sums) + 2 ** (shift - 1) < 2**31:
            return multiplier, bias, shift, fitting[0]
    return None


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_fold_against_fractions(data):
    channels, iterations = 3, 2
    scale = 2.0 ** data.draw(st.integers(-24, 12))
    reach = 2.0 ** data.draw(st.integers(-4, 32))
    unit = st.floats(-1, 1, width=32)
    gain, offset = (
        np.array(data.draw(st.lists(unit, min_size=6, max_size=6))).reshape(iterations, channels) * size
        for size in (scale, reach)
    )
    bound = st.integers(0, 2**23 - 1) | st.integers(0, 3)
    low = -np.array(data.draw(st.lists(bound, min_size=channels, max_size=channels)))
    high = np.array(data.draw(st.lists(bound, min_size=channels, max_size=channels)))
    residual_range = data.draw(st.sampled_from([(0, 0), (0, 255), (-128, 127)]))
    residual_shift = data.draw(st.integers(0, 3))
    signed, bits = data.draw(st.booleans()), data.draw(st.integers(4, 8))
    expected = slow_fold(gain, offset, low, high, residual_range, residual_shift)
    call = {"where": "L", "residual_range": residual_range, "residual_shift": residual_shift, "signed": signed,
            "bits": bits}
    if expected is None:
        with pytest.raises(Refused, match="Layer L cannot be stored in 12-bit multipliers and a 32-bit sum"):
            fold(gain, offset, low, high, **call)
        return
    got = fold(gain, offset, low, high, **call)
    assert (got.multiplier.ravel().tolist(), got.bias.ravel().tolist(), got.shift, got.bias_shift) == expected
    assert (got.residual_shift, got.signed, got.bits) == (residual_shift, signed, bits)
    assert got.multiplier.dtype == got.bias.dtype == np.int64
    assert got.problems() == []


@pytest.mark.parametrize(
    ("gain", "offset", "entry"),
    [
        (1.0, 0.0, (1024, 0, 10, 0)),
        (-1.0, 0.0, (-1024, 0, 10, 0)),
        (0.5, 100.0, (1024, 204800, 11, 0)),
        (0.5, -1000.0, (1024, -512000, 11, 2)),
        (2047.0 / 2, 0.0, (2047, 0, 1, 0)),
        (0.0, 1.0, (0, 262144, 25, 7)),
    ],
)
def test_fold_by_hand(gain, offset, entry):
    got = fold(np.array([[gain]]), np.array([[offset]]), np.array([-1000]), np.array([1000]), where="L")
    assert (got.multiplier.item(), got.bias.item(), got.shift, got.bias_shift) == entry


def test_fold_silences_channels_without_taps():
    low, high = np.array([-255, 0]), np.array([255, 0])
    got = fold(np.array([[0.5, 1e9]]), np.array([[1.0, 7.0]]), low, high, where="L")
    assert got.multiplier[0, 1] == 0
    assert got.apply(np.array([100, 0]), 0).tolist() == [51, 7]


@pytest.mark.parametrize(
    ("gain", "offset", "sentence"),
    [
        (2047.0, 0.0, "largest gain 2.05e.03"),
        (1.0, 1e17, "offset 1e.17"),  # too large for any bias shift
        (1.0, 1.1e9, "Layer L cannot be stored"),  # stored, but z would wrap
        (float("nan"), 0.0, "Layer L has a batch norm that is not finite"),
        (1.0, float("inf"), "not finite"),
    ],
)
def test_fold_refuses(gain, offset, sentence):
    with pytest.raises(Refused, match=sentence):
        fold(np.array([[gain]]), np.array([[offset]]), np.array([-(2**23)]), np.array([2**23 - 1]), where="L")


@given(
    st.lists(st.tuples(st.integers(-2048, 2047), st.integers(-(2**19), 2**19 - 1)), min_size=1, max_size=8)
)
@settings(deadline=None, max_examples=100)
def test_entries_round_trip(entries):
    multiplier, bias = np.array(entries, np.int64).T
    packed = pack_entries(multiplier, bias)
    assert packed.dtype == np.uint32
    back = unpack_entries(packed)
    assert [values.tolist() for values in back] == [multiplier.tolist(), bias.tolist()]


@pytest.mark.parametrize(
    ("multiplier", "bias", "entry"),
    [
        (1, 0, 0x0000_0001),
        (0, 1, 0x0000_1000),
        (-1, 0, 0x0000_0FFF),
        (0, -1, 0xFFFF_F000),
        (2047, -(2**19), 0x8000_07FF),
        (-2048, 2**19 - 1, 0x7FFF_F800),
        (0x123, 0x45678, 0x4567_8123),
    ],
)
def test_entry_layout(multiplier, bias, entry):
    assert pack_entries(np.array([multiplier]), np.array([bias])).tolist() == [entry]
    assert [values.tolist() for values in unpack_entries(np.array([entry], np.uint32))] == [[multiplier], [bias]]


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({}, []),
        ({"shift": 31}, []),
        ({"bias_shift": 7, "residual_shift": 3}, []),
        ({"multiplier": np.array([[-2048, 2047]]), "bias": np.array([[-(2**19), 2**19 - 1]])}, []),
        ({"shift": 0}, ["shift must be from 1 to 31, not 0"]),
        ({"shift": 32}, ["shift must be from 1 to 31, not 32"]),
        ({"bias_shift": -1}, ["bias shift must be from 0 to 7, not -1"]),
        ({"bias_shift": 8}, ["bias shift must be from 0 to 7, not 8"]),
        ({"residual_shift": -1}, ["residual shift must be from 0 to 3, not -1"]),
        ({"residual_shift": 4}, ["residual shift must be from 0 to 3, not 4"]),
        ({"bits": 4}, []),
        ({"bits": 3}, ["bits must be from 4 to 8, not 3"]),
        ({"bits": 9}, ["bits must be from 4 to 8, not 9"]),
        ({"multiplier": np.array([[0, 2048]])}, ["multipliers must be signed 12-bit values, not 0..2048"]),
        ({"multiplier": np.array([[-2049, 0]])}, ["multipliers must be signed 12-bit values, not -2049..0"]),
        ({"bias": np.array([[0, 2**19]])}, ["biases must be signed 20-bit values, not 0..524288"]),
        ({"bias": np.array([[-(2**19) - 1, 0]])}, ["biases must be signed 20-bit values, not -524289..0"]),
    ],
)
def test_problems_name_every_field_out_of_range(change, sentences):
    sound = Requantization(np.array([[1, 2]]), np.array([[3, 4]]), 5, 0, 0, False)
    assert dataclasses.replace(sound, **change).problems() == sentences


@pytest.mark.parametrize("residual_shift", [-1, RESIDUAL_SHIFT_MAX + 1])
def test_a_residual_of_another_scale_than_shifts_reach_is_refused(residual_shift):
    bound, call = np.array([100]), {"where": "L", "residual_range": (0, 255)}
    made = fold(np.array([[0.5]]), np.array([[0.0]]), -bound, bound, residual_shift=RESIDUAL_SHIFT_MAX, **call)
    assert made.residual_shift == RESIDUAL_SHIFT_MAX
    with pytest.raises(Refused, match=rf"^Layer L adds a residual whose step is 2\*\*{residual_shift} times its own"):
        fold(np.array([[0.5]]), np.array([[0.0]]), -bound, bound, residual_shift=residual_shift, **call)

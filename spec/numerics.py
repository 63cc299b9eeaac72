"""The arithmetic of a deployed network: exact integers, one rounding per stored activation.

Functions that training shares use only operators that numpy arrays and torch integer tensors have in
common (``+ - * >> << .clip``), so the same function object runs on both.
"""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from spec.refusal import Refused

__all__ = [
    "ACC_BITS",
    "ACC_BITS_MIN",
    "ACTIVATION_BITS",
    "ACTIVATION_BITS_MIN",
    "BIAS_BITS",
    "BIAS_SHIFT_MAX",
    "MASK_WIDTHS",
    "MULTIPLIER_BITS",
    "PIXEL_MAX",
    "RESIDUAL_SHIFT_MAX",
    "RING_WIDTHS",
    "SHIFT_MAX",
    "Z_BITS",
    "Requantization",
    "Widths",
    "accumulate",
    "accumulator_bounds",
    "fold",
    "max_pool",
    "narrowed",
    "output_range",
    "pack_entries",
    "prepare",
    "requantize",
    "unpack_entries",
    "upsample",
    "z_bounds",
]

ACC_BITS = 24  #: Signed accumulator (psum) of one output channel of a supermask layer.
MULTIPLIER_BITS = 12  #: Signed multiplier M of a batch-norm entry.
BIAS_BITS = 20  #: Signed bias B of a batch-norm entry.
Z_BITS = 32  #: Signed sum before its shift, of a supermask layer; :mod:`spec.model` proves that it never wraps.
SHIFT_MAX = 31  #: Largest ``sh``.
BIAS_SHIFT_MAX = 7  #: Largest ``bsh``.
RESIDUAL_SHIFT_MAX = 3  #: Largest ``rsh``; a residual's step is never finer than the sum's that it joins.
PIXEL_MAX = 255  #: Largest byte of an image.
ACTIVATION_BITS = 8  #: Of a stored activation, unless its network uses fewer.
ACTIVATION_BITS_MIN = 4  #: Fewest that a network can use.


class Widths(NamedTuple):
    """Signed bits of the accumulators (``acc``) and of the sum before the shift (``z``) of a layer."""

    acc: int
    z: int


MASK_WIDTHS = Widths(ACC_BITS, Z_BITS)  #: Of a layer whose weights are trits.
#: Of a layer that draws from a ring: its sums are up to 121 times as large, and so are its products.
RING_WIDTHS = Widths(acc=32, z=40)

ACC_BITS_MIN = 16  #: Fewest that a build can have.


def narrowed(widths: Widths, acc: int) -> Widths:
    """``widths`` with accumulators of only ``acc`` bits, and no more for ``z`` than ``acc*M + (B << bsh)`` can need.

    ``|acc*M| + |B << bsh| <= 2**(acc + 10) + 2**26``, which is at most ``2**(acc + 11)`` from 16 bits on; no positive
    sum comes to that, for no ``B`` is ``2**19``.
    """
    return Widths(acc, min(widths.z, acc + MULTIPLIER_BITS))


def output_range(signed: bool, bits: int = ACTIVATION_BITS) -> tuple[int, int]:
    """``lo, hi`` of a stored activation of ``bits`` bits: 0, ``2**bits - 1`` after ReLU; for a projection shortcut
    ``-2**(bits - 1), 2**(bits - 1) - 1``.
    """
    low = -(1 << bits - 1) if signed else 0
    return low, low + (1 << bits) - 1


def requantize(
    acc, multiplier, bias, residual, *, shift: int, bias_shift: int, residual_shift: int, signed: bool,
    bits: int = ACTIVATION_BITS,
):
    """Stored activation of an accumulator.

    ``z = acc*M + (B << bsh) + (r << (sh + rsh)); y = clamp((z + (1 << (sh - 1))) >> sh, lo, hi)``.
    ``lo, hi`` are the :func:`output_range` of ``signed`` and ``bits``. The shift is arithmetic (floor), so this rounds
    half up, once. ``residual`` is 0 where there is none.

    Parameters
    ----------
    acc, residual : int64 arrays or tensors, shape (..., M)
    multiplier, bias : int64 arrays or tensors, shape (M,)
    """
    z = acc * multiplier + (bias << bias_shift) + (residual << (shift + residual_shift))
    return ((z + (1 << (shift - 1))) >> shift).clip(*output_range(signed, bits))


def accumulate(activations: np.ndarray, weights: np.ndarray, stride: int, pad: int) -> np.ndarray:
    """``acc[b, y, x, m] = sum over ky, kx, n of w[m, ky, kx, n] * a[b, y*s + ky - p, x*s + kx - p, n]``.

    Parameters
    ----------
    activations : integer array, shape (B, H, W, N)
    weights : int8 array, shape (M, K, K, N)
        Trits, or values of a ring.

    Returns
    -------
    int64 array, shape (B, OH, OW, M). Exact: products and sums are integers far below 2**53.
    """
    matrices = weights.transpose(1, 2, 3, 0).astype(np.float64)  # (K, K, N, M)
    # Tap by tap, so that no array of all windows is ever there.
    return np.rint(sum(
        view.astype(np.float64) @ matrices[ky, kx]
        for (ky, kx), view in _taps(activations, weights.shape[1], stride, pad)
    )).astype(np.int64)


def max_pool(activations: np.ndarray, kernel: int, stride: int, pad: int) -> np.ndarray:
    """``y[b, y, x, n] = max over ky, kx of a[b, y*s + ky - p, x*s + kx - p, n]`` on uint8 maps; 0 outside the map."""
    return functools.reduce(np.maximum, (view for _, view in _taps(activations, kernel, stride, pad)))


def upsample(activations: np.ndarray, height: int, width: int) -> np.ndarray:
    """``y[b, y, x, n] = a[b, y >> 1, x >> 1, n]`` for ``height`` x ``width`` positions: nearest, twice as large.

    Parameters
    ----------
    activations : array, shape (B, (height + 1) // 2, (width + 1) // 2, N)
    """
    return activations[:, np.arange(height) >> 1][:, :, np.arange(width) >> 1]


def _taps(
    activations: np.ndarray, kernel: int, stride: int, pad: int
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """For every tap ``(ky, kx)`` the activation (B, OH, OW, N) that it meets at each output position."""
    padded = np.pad(activations, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    rows, columns = ((size - kernel) // stride * stride + 1 for size in padded.shape[1:3])
    for ky, kx in np.ndindex(kernel, kernel):
        yield (ky, kx), padded[:, ky : ky + rows : stride, kx : kx + columns : stride]


def prepare(images: np.ndarray, kernel: int, stride: int, pad: int) -> np.ndarray:
    """Fold the taps of a KxK window into channels: (B, H, W, C) -> (B, OH, OW, K*K*C), ``n = (ky*K + kx)*C + c``.

    This is how the host prepares an image for the stem; positions outside it are 0.
    """
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    windows = windows[:, ::stride, ::stride]  # (B, OH, OW, C, K, K)
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(*windows.shape[:3], kernel * kernel * images.shape[-1])


def accumulator_bounds(
    weights: np.ndarray, positions: int = 1, largest: int = PIXEL_MAX
) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest accumulator of each output channel for inputs in 0..``largest``: ``largest`` times the sum of
    its negative and of its positive weights (M, K, K, N).

    ``positions`` > 1 gives the bounds of sums over that many positions (the classifier).
    """
    flat = weights.reshape(len(weights), -1)
    scale = largest * positions
    return scale * flat.clip(max=0).sum(axis=1, dtype=np.int64), scale * flat.clip(min=0).sum(axis=1, dtype=np.int64)


@dataclass(frozen=True)
class Requantization:
    """Integer batch norm of one layer: a 32-bit entry per iteration and channel, shifts common to all.

    Parameters
    ----------
    multiplier, bias : int64 arrays, shape (iterations, M)
        ``M`` (12 bit signed) and ``B`` (20 bit signed) of :func:`requantize`.
    shift, bias_shift : int
        ``sh`` in 1..31, ``bsh`` in 0..7.
    residual_shift : int
        ``rsh`` in 0..3.
    signed : bool
        Whether the layer is a projection shortcut, which stores signed values.
    bits : int
        Of what it stores (:func:`output_range`).
    """

    multiplier: np.ndarray
    bias: np.ndarray
    shift: int
    bias_shift: int
    residual_shift: int
    signed: bool
    bits: int = ACTIVATION_BITS

    def problems(self) -> list[str]:
        """Sentences on every field out of its range; empty when the entry table is sound."""
        found = []
        for name, value, low, high in (
            ("shift", self.shift, 1, SHIFT_MAX),
            ("bias shift", self.bias_shift, 0, BIAS_SHIFT_MAX),
            ("residual shift", self.residual_shift, 0, RESIDUAL_SHIFT_MAX),
            ("bits", self.bits, ACTIVATION_BITS_MIN, ACTIVATION_BITS),
        ):
            if not low <= value <= high:
                found.append(f"{name} must be from {low} to {high}, not {value}")
        for name, values, bits in (("multipliers", self.multiplier, MULTIPLIER_BITS), ("biases", self.bias, BIAS_BITS)):
            limit = 1 << (bits - 1)
            if values.size and not (-limit <= values.min() and values.max() < limit):
                found.append(f"{name} must be signed {bits}-bit values, not {values.min()}..{values.max()}")
        return found

    def split(self, counts: Sequence[int]) -> list["Requantization"]:
        """Consecutive iterations, so many in each part, with the same shifts."""
        cuts = np.cumsum(counts)[:-1]
        return [
            replace(self, multiplier=multiplier, bias=bias)
            for multiplier, bias in zip(np.split(self.multiplier, cuts), np.split(self.bias, cuts), strict=True)
        ]

    def apply(self, acc, iteration: int, residual=0):
        """:func:`requantize` with this layer's entries of ``iteration``."""
        return requantize(
            acc, self.multiplier[iteration], self.bias[iteration], residual,
            shift=self.shift, bias_shift=self.bias_shift, residual_shift=self.residual_shift, signed=self.signed,
            bits=self.bits,
        )


def z_bounds(
    requantization: Requantization, acc_low: np.ndarray, acc_high: np.ndarray, residual_range: tuple[int, int]
) -> tuple[int, int]:
    """Least and greatest ``z`` plus rounding over all channels and iterations, by interval arithmetic.

    ``residual_range`` includes 0, so that these are bounds of ``acc*M + (B << bsh)`` too.
    """
    products = np.stack([acc_low * requantization.multiplier, acc_high * requantization.multiplier])
    offset = requantization.bias << requantization.bias_shift
    step = requantization.shift + requantization.residual_shift
    low = products.min(axis=0) + offset + (residual_range[0] << step)
    high = products.max(axis=0) + offset + (residual_range[1] << step) + (1 << (requantization.shift - 1))
    return int(low.min()), int(high.max())


def fold(
    gain: np.ndarray,
    offset: np.ndarray,
    acc_low: np.ndarray,
    acc_high: np.ndarray,
    *,
    where: str,
    residual_range: tuple[int, int] = (0, 0),
    residual_shift: int = 0,
    signed: bool = False,
    bits: int = ACTIVATION_BITS,
    z_bits: int = Z_BITS,
) -> Requantization:
    """Integer entries nearest to ``y = acc*gain + offset + r*2**rsh``, with the largest shift that is proven to fit.

    Parameters
    ----------
    gain, offset : float arrays, shape (iterations, M)
        In units of the stored activation.
    acc_low, acc_high : int64 arrays, shape (M,)
        From :func:`accumulator_bounds`. Channels without kept taps get ``M = 0``.
    residual_range : (int, int)
        Least and greatest stored residual; (0, 0) without one.
    signed, bits
        Of what the layer stores.
    z_bits : int
        Width of ``z``.

    Raises
    ------
    Refused
        If no shift keeps ``M``, ``B`` and ``z`` in range, or ``residual_shift`` is not, naming the layer ``where``.
    """
    if not 0 <= residual_shift <= RESIDUAL_SHIFT_MAX:
        raise Refused(
            f"Layer {where} adds a residual whose step is 2**{residual_shift} times its own; it can be from 1 to "
            f"{1 << RESIDUAL_SHIFT_MAX} times: choose another scale for the shortcut"
        )
    gain = np.where((acc_low == 0) & (acc_high == 0), 0.0, gain)
    if not (np.isfinite(gain).all() and np.isfinite(offset).all()):
        raise Refused(f"Layer {where} has a batch norm that is not finite; train it again with a smaller learning rate")
    m_max, b_max = (1 << (MULTIPLIER_BITS - 1)) - 1, (1 << (BIAS_BITS - 1)) - 1
    for shift in range(SHIFT_MAX, 0, -1):
        multiplier = np.floor(gain * 2.0**shift + 0.5)
        if np.abs(multiplier).max() > m_max:
            continue
        largest = np.abs(offset).max() * 2.0**shift
        bias_shifts = [bsh for bsh in range(BIAS_SHIFT_MAX + 1) if np.floor(largest / 2.0**bsh + 0.5) <= b_max]
        if not bias_shifts:
            continue
        bias_shift = bias_shifts[0]
        bias = np.floor(offset * 2.0 ** (shift - bias_shift) + 0.5)
        result = Requantization(
            multiplier.astype(np.int64), bias.astype(np.int64), shift, bias_shift, residual_shift, signed, bits
        )
        low, high = z_bounds(result, acc_low, acc_high, residual_range)
        if low >= -(1 << (z_bits - 1)) and high < 1 << (z_bits - 1):
            return result
    raise Refused(
        f"Layer {where} cannot be stored in {MULTIPLIER_BITS}-bit multipliers and a {z_bits}-bit sum "
        f"(largest gain {np.abs(gain).max():.3g}, offset {np.abs(offset).max():.3g}); calibrate on more images"
    )


def pack_entries(multiplier: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Batch-norm entries as stored: uint32, ``M`` in bits 11..0, ``B`` in bits 31..12, both two's complement."""
    m = multiplier & ((1 << MULTIPLIER_BITS) - 1)
    b = bias & ((1 << BIAS_BITS) - 1)
    return (m | b << MULTIPLIER_BITS).astype(np.uint32)


def unpack_entries(entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(multiplier, bias)`` as int64 arrays: inverse of :func:`pack_entries`."""
    wide = entries.astype(np.int64)
    m = wide & ((1 << MULTIPLIER_BITS) - 1)
    b = wide >> MULTIPLIER_BITS
    m -= (m >> (MULTIPLIER_BITS - 1)) << MULTIPLIER_BITS
    b -= (b >> (BIAS_BITS - 1)) << BIAS_BITS
    return m, b

"""Which weights are kept: selection by score, and the packed form that is stored.

Arrays are OHWI: ``(output channel, kernel row, kernel column, input channel)``. A *group* is four
consecutive input channels. 1 means kept.

Ref: Ramanujan et al., CVPR 2020 (edge-popup); Hidden-Fold Networks (IEEE Access 2023), section III.
"""

import enum
from fractions import Fraction

import numpy as np

from spec.refusal import Refused

__all__ = [
    "CANDIDATES", "GROUP", "PAIR", "Mode", "check_density", "check_mask", "codes", "keep_count", "pack", "packed_bytes",
    "passes_of", "select", "unpack",
]

#: Input channels per group; one PE serves one group.
GROUP = 4

#: Channels of a group that one pass can add or subtract together.
PAIR = 2

#: What such a pass can add of the pair (a, b), or subtract: a, b, a + b, a - b.
CANDIDATES = ((1, 0), (0, 1), (1, 1), (1, -1))


class Mode(enum.StrEnum):
    """Structure a supermask obeys in every group of four input channels."""

    ANY = "any"  #: No structure: the paper's. Two passes, 1 bit per weight.
    TWO_OF_FOUR = "2of4"  #: At most two kept. Two passes, 1 bit per weight.
    ONE_OF_FOUR = "1of4"  #: Exactly one kept. One pass, half a bit per weight.
    AT_MOST_ONE = "max1of4"  #: At most one kept. One pass, 1 bit per weight.

    @property
    def most(self) -> int:
        """The most a group keeps."""
        return {Mode.ANY: 4, Mode.TWO_OF_FOUR: 2, Mode.ONE_OF_FOUR: 1, Mode.AT_MOST_ONE: 1}[self]

    @property
    def passes(self) -> int:
        """Passes over the array that a tile of such weights takes (q): one if a group keeps at most one channel, which
        a PE then selects among all four; else one for each :data:`PAIR`, which may keep anything.
        """
        return 1 if self.most == 1 else GROUP // PAIR


def keep_count(weights: int, density: float) -> int:
    """Kept weights out of ``weights``: ``n - floor((1 - density)*n)``, exact for the decimal ``density`` shown.

    Raises
    ------
    Refused
        If ``density`` is not in (0, 1].
    """
    if not 0 < density <= 1:
        raise Refused(f"Density (kept fraction) must be above 0 and at most 1, not {density!r}")
    return weights - int((1 - Fraction(repr(float(density)))) * weights)


def check_density(density: float, mode: Mode, where: str) -> None:
    """Refuse a ``density`` that was asked for if layers of ``mode`` keep another one, naming ``where`` it was given.

    ``1of4`` keeps a quarter, always; ``2of4`` and ``max1of4`` at most as many of a group as they are called by.
    """
    most = mode.most / GROUP
    if mode is Mode.ONE_OF_FOUR and density != most:
        raise Refused(f"{where} ({density}) contradicts mode {mode}, which always keeps {most}; leave it out, or take "
                      f"mode {Mode.AT_MOST_ONE} for less or {Mode.ANY} for more")
    if density > most:
        raise Refused(f"{where} ({density}) contradicts mode {mode}, which keeps at most {most}; give at most that, or "
                      f"take mode {Mode.ANY}")


def select(scores: np.ndarray, mode: Mode, density: float) -> np.ndarray:
    """Supermask of ``scores``: the largest magnitudes, ties to the lower OHWI index.

    ``any`` keeps :func:`keep_count` of the layer; ``2of4`` does so among the two largest of every group, ``max1of4``
    among the largest of every group; ``1of4`` keeps the largest of every group, whatever the density.

    Parameters
    ----------
    scores : float array, shape (M, K, K, N)

    Returns
    -------
    bool array of the same shape

    Raises
    ------
    Refused
        If a score is not a number, or ``1of4`` meets channels that come in no whole groups.
    """
    if np.isnan(scores).any():
        raise Refused("Scores must be numbers, but some are NaN; train again with a smaller learning rate")
    magnitude = np.abs(scores)
    if mode is Mode.ANY:
        return _largest(magnitude.ravel(), keep_count(scores.size, density)).reshape(scores.shape)
    groups = _grouped(magnitude, fill=-1)
    if mode is Mode.ONE_OF_FOUR:
        _refuse_ragged(scores.shape[-1])
        best = np.zeros(groups.shape, bool)
        np.put_along_axis(best, groups.argmax(axis=-1, keepdims=True), True, axis=-1)
        return best.reshape(scores.shape)
    # Ties lose to lower channels, so a channel is beaten by those above it and by equals before it.
    larger = groups[..., None, :] > groups[..., :, None]
    equal = groups[..., None, :] == groups[..., :, None]
    before = np.tril(np.ones((GROUP, GROUP), bool), -1)
    candidates = (larger | equal & before).sum(axis=-1) < mode.most
    candidates = candidates.reshape(*scores.shape[:-1], -1)[..., : scores.shape[-1]]
    eligible = np.where(candidates, magnitude, -1).ravel()
    count = min(keep_count(scores.size, density), int(candidates.sum()))
    return _largest(eligible, count).reshape(scores.shape)


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """Mark the ``count`` largest of ``values``, ties to the lower index, in linear time."""
    threshold = np.partition(values, len(values) - count)[len(values) - count]
    kept = values > threshold
    ties = np.flatnonzero(values == threshold)
    kept[ties[: count - int(kept.sum())]] = True
    return kept


def _grouped(array: np.ndarray, fill) -> np.ndarray:
    """``array`` (..., N) as (..., ceil(N/4), 4), the missing channels of a last short group filled."""
    short = -array.shape[-1] % GROUP
    padded = np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, short)], constant_values=fill)
    return padded.reshape(*array.shape[:-1], -1, GROUP)


def _refuse_ragged(inputs: int) -> None:
    if inputs % GROUP:
        raise Refused(
            f"Mode 1of4 needs whole groups of {GROUP} input channels, not {inputs} channels; use mode any or 2of4"
        )


def check_mask(mask: np.ndarray, mode: Mode, where: str) -> None:
    """Refuse a ``mask`` that breaks the structure ``mode`` promises, naming the layer ``where``."""
    kept = _grouped(mask, fill=False).sum(axis=-1)
    if mode is not Mode.ONE_OF_FOUR and kept.max(initial=0) > mode.most:
        most = kept.max()
        raise Refused(f"Layer {where} is declared {mode} but a group keeps {most}; re-export it or declare it any")
    if mode is Mode.ONE_OF_FOUR:
        _refuse_ragged(mask.shape[-1])
        if (kept != 1).any():
            raise Refused(f"Layer {where} is declared 1of4 but a group keeps {kept[kept != 1][0]}; re-export it")


def packed_bytes(shape: tuple[int, int, int, int], mode: Mode) -> int:
    """Bytes :func:`pack` stores: 1 bit per weight (N padded to a multiple of 4), or 2 bits per group."""
    rows = shape[0] * shape[1] * shape[2]
    groups = -(-shape[3] // GROUP)
    bits = rows * groups * (2 if mode is Mode.ONE_OF_FOUR else GROUP)
    return -(-bits // 8)


def codes(mask: np.ndarray) -> np.ndarray:
    """Index of the kept channel of every group of a ``1of4`` mask: uint8 array (M, K, K, N/4), values 0..3."""
    return _grouped(mask, fill=False).argmax(axis=-1).astype(np.uint8)


def passes_of(inputs: int, mode: Mode) -> np.ndarray:
    """Pass in which the weights of each of ``inputs`` channels are added, if kept: int array (N,). With one pass it is
    that one; with more, the first pair of every group comes first.
    """
    return np.arange(inputs) % GROUP // PAIR if mode.passes > 1 else np.zeros(inputs, int)


def code_bits(mask: np.ndarray) -> np.ndarray:
    """Bits of the :func:`codes` of a (M, K, K, N) mask, two per group, the lower first: bool (M, K, K, N/2)."""
    code = codes(mask)
    return ((code[..., None] >> np.arange(2)) & 1).astype(bool).reshape(*code.shape[:3], -1)


def pack(mask: np.ndarray, mode: Mode) -> np.ndarray:
    """Packed form of a (M, K, K, N) mask, OHWI, lowest bit = lowest channel: uint8 array (bytes,)."""
    if mode is Mode.ONE_OF_FOUR:
        bits = code_bits(mask)
    else:
        bits = _grouped(mask, fill=False)
    return np.packbits(bits.ravel().astype(bool), bitorder="little")


def unpack(packed: np.ndarray, shape: tuple[int, int, int, int], mode: Mode, where: str) -> np.ndarray:
    """Inverse of :func:`pack`: bool array of ``shape``.

    Raises
    ------
    Refused
        If the length is wrong, padding is not zero, or the structure of ``mode`` is broken.
    """
    expected = packed_bytes(shape, mode)
    if packed.dtype != np.uint8 or packed.shape != (expected,):
        raise Refused(
            f"Mask of layer {where} must be {expected} bytes for shape {shape} in mode {mode}, "
            f"not {packed.dtype} {packed.shape}; the file is damaged or belongs to another network"
        )
    bits = np.unpackbits(packed, bitorder="little").astype(bool)
    outputs, rows, columns, inputs = shape
    groups = -(-inputs // GROUP)
    if mode is Mode.ONE_OF_FOUR:
        _refuse_ragged(inputs)
        used = outputs * rows * columns * groups * 2
        code = bits[:used].reshape(-1, 2) @ np.array([1, 2])
        mask = (code[:, None] == np.arange(GROUP)).reshape(shape)
        padding = bits[used:]
    else:
        used = outputs * rows * columns * groups * GROUP
        grouped = bits[:used].reshape(outputs, rows, columns, groups * GROUP)
        mask = grouped[..., :inputs].copy()
        padding = np.concatenate([grouped[..., inputs:].ravel(), bits[used:]])
    if padding.any():
        raise Refused(f"Mask of layer {where} has padding bits that are not zero; the file is damaged")
    check_mask(mask, mode, where)
    return mask

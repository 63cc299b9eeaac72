"""Edge-popup's masks, fast: :func:`spec.supermask.select` says which weights a mask keeps.

:func:`select` here keeps the same ones, bit for bit, in torch and without sorting: its time is that of a few passes
over the scores. There are two ways to a threshold, and ``select`` takes the one that suits: on a CPU a sampled guess
(:func:`kth_largest`), which looks at values; on a device, and in what ``torch.compile`` traces, a selection of known
size, which waits for nothing and has no shape that depends on a value.

Ref: Ramanujan et al., CVPR 2020; Hidden-Fold Networks (IEEE Access 2023), section III-B.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spec.refusal import Refused
from spec.supermask import GROUP, Mode

__all__ = ["kth_largest", "select", "select_blindly"]

#: Magnitudes looked at to guess where a threshold lies; layers not much larger are searched whole.
_SAMPLE = 4096

#: Half the width of that guess, in standard deviations of the sample's rank. A miss costs time, never exactness.
_DEVIATIONS = 4.0


@torch.no_grad()
def select(scores: Tensor, mode: Mode, count: int) -> Tensor:
    """Supermask of ``scores``, as :func:`spec.supermask.select` defines it.

    Parameters
    ----------
    scores : float tensor, shape (M, K, K, N)
    count : int
        :func:`spec.supermask.keep_count` of the scores: the most that are kept, but in mode ``1of4``.

    Returns
    -------
    bool tensor of the same shape

    Raises
    ------
    Refused
        If ``1of4`` meets channels that come in no whole groups; on a CPU also if a score is not a number. (A device
        would have to wait to know; training looks now and then.)
    """
    if scores.device.type != "cpu" or torch.compiler.is_compiling():
        return select_blindly(scores, mode, count)
    if scores.max().isnan():  # A maximum with a NaN in it is NaN.
        raise Refused("Scores must be numbers, but some are NaN; train again with a smaller learning rate")
    return _selected(scores.abs(), mode, count, _keep_largest)


@torch.no_grad()
def select_blindly(scores: Tensor, mode: Mode, count: int) -> Tensor:
    """:func:`select` as a device does it: no operation waits for a value or has a shape that depends on one."""
    return _selected(scores.abs(), mode, count, _keep_largest_blindly)


def _selected(magnitude: Tensor, mode: Mode, count: int, keep_largest: Callable[[Tensor, int], Tensor]) -> Tensor:
    if mode is Mode.ANY:
        return keep_largest(magnitude, count)
    inputs = magnitude.shape[-1]
    if mode is Mode.ONE_OF_FOUR and inputs % GROUP:
        raise Refused(
            f"Mode 1of4 needs whole groups of {GROUP} input channels, not {inputs} channels; use mode any or 2of4"
        )
    groups = functional.pad(magnitude, (0, -inputs % GROUP), value=-1).unflatten(-1, (-1, GROUP))
    candidates = _beaten(groups) < mode.most  # (M, K, K, N/4, 4)
    candidates = candidates.flatten(-2)[..., :inputs]
    whole, rest = divmod(inputs, GROUP)
    most = magnitude.numel() // inputs * (whole * mode.most + min(rest, mode.most))
    if mode is Mode.ONE_OF_FOUR or count >= most:
        return candidates
    return keep_largest(torch.where(candidates, magnitude, -1.0), count)


def _beaten(groups: Tensor) -> Tensor:
    """How many of its group come before each of ``groups`` (..., 4): uint8 tensor of the same shape.

    The larger one comes first, of equals the lower channel.
    """
    channels = groups.movedim(-1, 0).contiguous()  # (4, ...): whole vectors are compared, which is what is fast.
    beaten = torch.zeros(channels.shape, dtype=torch.uint8, device=groups.device)
    for low in range(GROUP):
        for high in range(low + 1, GROUP):
            low_first = channels[low] >= channels[high]
            beaten[high] += low_first.view(torch.uint8)
            beaten[low] += low_first.logical_not_().view(torch.uint8)
    return beaten.movedim(0, -1)


def _keep_largest(values: Tensor, count: int) -> Tensor:
    """Mark the ``count`` largest of ``values``, ties to the lower index: bool tensor of the same shape."""
    flat = values.flatten()
    threshold = kth_largest(flat, count)
    kept = flat >= threshold
    surplus = int(kept.count_nonzero()) - count
    if surplus:
        ties = (flat == threshold).nonzero().flatten()
        kept[ties[len(ties) - surplus :]] = False
    return kept.view(values.shape)


def _keep_largest_blindly(values: Tensor, count: int) -> Tensor:
    """What :func:`_keep_largest` marks, by operations of which none waits for a value or has a shape that depends on
    one.
    """
    flat = values.flatten()
    # Unsorted: by radix, on all of a device at once. A search for the one value would be done by a single block.
    threshold = flat.topk(count, sorted=False).values.amin()
    above, ties = flat > threshold, flat == threshold
    room = count - above.sum(dtype=torch.int32)
    return (above | ties & (ties.cumsum(0, dtype=torch.int32) <= room)).view(values.shape)


def kth_largest(values: Tensor, count: int) -> float:
    """The ``count``-th largest of a vector on a CPU, exactly.

    An evenly spaced sample says between which two values it probably lies. One pass counts the values above and
    gathers those between; the answer is among these if the counts say so, else the whole vector is searched. (Floyd and
    Rivest, CACM 1975, with one level.)
    """
    total = len(values)
    array = values.numpy()  # Whose comparisons and gathers are several times faster than torch's.
    if total > 4 * _SAMPLE:
        sample = np.sort(array[:: total // _SAMPLE])[::-1]
        kept = count / total
        rank = len(sample) * kept
        margin = 1 + _DEVIATIONS * math.sqrt(len(sample) * kept * (1 - kept))
        high = sample[int(rank - margin)] if rank > margin else np.inf
        low = sample[math.ceil(rank + margin)] if rank + margin <= len(sample) - 1 else -np.inf
        above = array > high
        between = array[(array >= low) ^ above]
        wanted = count - np.count_nonzero(above)
        if 0 < wanted <= len(between):
            return float(_sorted_at(between, len(between) - wanted))
    return float(_sorted_at(array, total - count))


def _sorted_at(array: np.ndarray, index: int) -> np.number:
    """What would be at ``index`` of ``array`` if it were sorted."""
    return np.partition(array, index)[index]

"""Which weights the public edge-popup codes keep: their count and their order, replayed; ours is :mod:`spec.supermask`.

They sort the magnitudes of a layer, flattened in OIHW order, and drop the first ``int((1 - density) * n)`` of ``n``: a
product in floating point, and of equal scores the later ones stay, as a stable sort leaves them. Their sort is stable
on a GPU, where they train, though not declared so; on a CPU with wide vectors torch leaves ties in an order of that
machine, and the same checkpoint has another mask there.

Ref: Ramanujan et al., CVPR 2020, and the code released with it; so do biprop (Diffenderfer and Kailkhura, ICLR 2021)
and Hidden-Fold Networks (IEEE Access 2023).
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["PublicMask", "dropped", "is_mask", "public_mask"]


class PublicMask(NamedTuple):
    """A supermask and how far it is in doubt.

    Parameters
    ----------
    mask : bool tensor, of the shape of the scores
    tied : int
        Scores as large as the least that is kept, if some of them are kept and others not; else 0. Which ones are kept
        is then up to the order that a sort leaves equal values in.
    tied_kept : int
        How many of them are kept.
    """

    mask: Tensor
    tied: int = 0
    tied_kept: int = 0


def dropped(weights: int, density: float) -> int:
    """How many of ``weights`` are not kept: ``int((1 - density) * weights)``, in floating point.

    For .8, .9 and others that is one more or less than :func:`spec.supermask.keep_count` leaves.
    """
    return int((1 - density) * weights)


def public_mask(scores: Tensor, density: float) -> PublicMask:
    """Supermask of ``scores`` (M, N, K, K), which are numbers: their order is that of an ascending, stable sort."""
    magnitudes, order = scores.abs().flatten().sort(stable=True)
    first = dropped(len(order), density)
    mask = torch.zeros(len(order), dtype=torch.bool)
    mask[order[first:]] = True
    if not 0 < first < len(order) or magnitudes[first - 1] != magnitudes[first]:
        return PublicMask(mask.view(scores.shape))
    same = magnitudes == magnitudes[first]
    return PublicMask(mask.view(scores.shape), int(same.sum()), int(same[first:].sum()))


def is_mask(scores: Tensor) -> bool:
    """Whether ``scores`` are a mask already: 0 and 1, as a subnet that was fixed is stored."""
    return bool(((scores == 0) | (scores == 1)).all())

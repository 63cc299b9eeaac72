"""Normalization after a convolution: a batch norm, or in recurrent blocks one of seven kinds.

Ref: Hidden-Fold Networks (IEEE Access 2023), sections III-D and IV-B1; UBN: Jastrzebski et al., ICLR 2018.
"""

import enum

from torch import nn

from spec.refusal import Refused

__all__ = ["FoldedNorm", "norms"]

#: Of group norm (section IV-B1).
_GROUPS = 32


class FoldedNorm(enum.StrEnum):
    """How a recurrent block is normalized. All but UBN are shared by its iterations, statistics included."""

    UBN = "ubn"  #: Unshared batch norm: statistics, gamma and beta of its own for every iteration. The paper's choice.
    SBN = "sbn"  #: Shared affine batch norm.
    NABN = "nabn"  #: Shared batch norm without gamma and beta.
    LAYER = "layer"  #: Over all channels of an image.
    INSTANCE = "instance"  #: Over each channel of an image.
    GROUP = "group"  #: Over 32 groups of channels of an image.
    LOCAL = "lrn"  #: Local response norm over 5 channels; nothing to learn.

    @property
    def is_batch_norm(self) -> bool:
        """Whether it is a scale and an offset once trained, and so an entry of the accelerator."""
        return self in (FoldedNorm.UBN, FoldedNorm.SBN, FoldedNorm.NABN)


def norms(layer: str, channels: int, iterations: int, *, folded: FoldedNorm, affine: bool) -> nn.ModuleList:
    """Norms of one convolution; iteration ``t`` uses number ``t``, or the last if there are fewer.

    Parameters
    ----------
    layer : str
        Its name, for refusals.
    channels : int
        That the convolution puts out.
    iterations : int
        Of its block; more than 1 in a recurrent block.
    folded : FoldedNorm
        Kind in recurrent blocks.
    affine : bool
        Whether the batch norm of any other block learns gamma and beta.
    """
    if iterations == 1:
        return nn.ModuleList([nn.BatchNorm2d(channels, affine=affine)])
    if folded is FoldedNorm.UBN:
        return nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(iterations))
    return nn.ModuleList([_shared(layer, channels, folded)])


def _shared(layer: str, channels: int, kind: FoldedNorm) -> nn.Module:
    if kind in (FoldedNorm.SBN, FoldedNorm.NABN):
        return nn.BatchNorm2d(channels, affine=kind is FoldedNorm.SBN)
    if kind is FoldedNorm.LOCAL:
        return nn.LocalResponseNorm(size=5, alpha=1e-4, beta=0.75, k=2.0)
    groups = {FoldedNorm.LAYER: 1, FoldedNorm.INSTANCE: channels, FoldedNorm.GROUP: _GROUPS}[kind]
    if channels % groups:
        raise Refused(
            f"Layer {layer} has {channels} channels, which group norm cannot divide into {_GROUPS} groups; choose "
            f"widths that are multiples of {_GROUPS} or another --norm"
        )
    return nn.GroupNorm(groups, channels)

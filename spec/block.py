"""Parts of a network: its stem, and residual blocks of several kinds.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III; post-activation blocks as in its released models, with the
stride of a bottleneck in its 3x3.
"""

import dataclasses
import enum
import math
from dataclasses import dataclass
from typing import NamedTuple

from spec.fields import checked, completed, one_of, shortened
from spec.layer import Role, Scale
from spec.refusal import Refused

__all__ = ["Block", "Convolution", "Kind", "Stem"]

#: What a description without these keys means: those written before there was a choice keep their hashes.
_BEFORE = {"scale": "same", "weights_of": ""}


class Kind(enum.StrEnum):
    """What a residual block is made of."""

    BASIC = "basic"  #: 3x3 (stride), 3x3.
    BOTTLENECK = "bottleneck"  #: 1x1, 3x3 (stride), 1x1 to four times the inner channels.

    @property
    def expansion(self) -> int:
        """Channels out per inner channel."""
        return 4 if self is Kind.BOTTLENECK else 1


@dataclass(frozen=True)
class Stem:
    """First convolution: ``kernel`` x ``kernel`` over the image channels, ``width`` outputs; then
    :data:`spec.layer.POOL`, if ``pool``.
    """

    kernel: int
    stride: int
    pad: int
    width: int
    pool: bool = False

    def check(self) -> None:
        """Refuse a stem that cannot be."""
        if self.kernel < 1 or self.stride < 1 or self.pad < 0 or self.width < 1:
            raise Refused(f"Stem needs kernel, stride and width of at least 1 and no negative padding, not {self}")


class Convolution(NamedTuple):
    """One layer of a block, wherever the block is; padded to keep a map its size at stride 1."""

    name: str
    role: Role
    inputs: int
    outputs: int
    kernel: int
    stride: int


@dataclass(frozen=True)
class Block:
    """Residual block with ``width`` output channels; run ``iterations`` times with the same weights.

    A projection shortcut (1x1, ``stride``) is there exactly when the block changes the shape. Its inner layers have
    ``wider`` times their usual channels, which are ``width``, in a bottleneck a quarter of it. ``scale`` says
    what it works on if that is not the residual stream alone. ``weights_of`` is the earlier block whose weights it
    uses, if it has none of its own (:mod:`spec.sharing`); its batch-norm entries are its own in any case.
    """

    name: str
    width: int
    stride: int = 1
    iterations: int = 1
    kind: Kind = Kind.BASIC
    wider: float = 1.0
    scale: Scale = Scale.SAME
    weights_of: str = ""

    @property
    def inner(self) -> int:
        """Output channels of the inner layers."""
        return int(self.width * self.wider / self.kind.expansion)

    def reshapes(self, channels: int) -> bool:
        """Whether its output differs in shape from its input of ``channels``."""
        return self.stride != 1 or self.width != channels

    def convolutions(self, channels: int) -> tuple[Convolution, ...]:
        """Its layers on ``channels`` input channels, in the order they run: shortcut, conv1, conv2 (, conv3)."""
        inner, stride = self.inner, self.stride
        shortcut = (Convolution("shortcut", Role.SHORTCUT, channels, self.width, 1, stride),)
        if self.kind is Kind.BASIC:
            main = (
                Convolution("conv1", Role.INNER, channels, inner, 3, stride),
                Convolution("conv2", Role.LAST, inner, self.width, 3, 1),
            )
        else:
            main = (
                Convolution("conv1", Role.INNER, channels, inner, 1, 1),
                Convolution("conv2", Role.INNER, inner, inner, 3, stride),
                Convolution("conv3", Role.LAST, inner, self.width, 1, 1),
            )
        return shortcut + main if self.reshapes(channels) else main

    def check(self) -> None:
        """Refuse a block that cannot be."""
        if self.width < 1 or self.stride < 1 or self.iterations < 1:
            raise Refused(f"Block {self.name} needs width, stride and iterations of at least 1, not {self}")
        inner = self.width * self.wider / self.kind.expansion
        if not 1 <= inner < math.inf or inner != self.inner:
            raise Refused(
                f"Block {self.name} of width {self.width} cannot have {self.wider!r} times the usual "
                f"{self.width / self.kind.expansion:g} inner channels: it needs a whole number, at least 1"
            )

    def to_json(self) -> dict:
        """Plain JSON form; :meth:`from_json` inverts it."""
        return shortened(dataclasses.asdict(self) | {"kind": str(self.kind), "scale": str(self.scale)}, _BEFORE)

    @classmethod
    def from_json(cls, data, where: str) -> "Block":
        """Block described by ``data``, which is at the key ``where``; a key that is wrong is refused by name."""
        fields = checked(completed(data, _BEFORE), cls, where)
        kinds = {"kind": Kind, "scale": Scale}
        return cls(**(fields | {key: one_of(kind, fields[key], f"{where}.{key}") for key, kind in kinds.items()}))

"""A layer as the hardware sees it: one weight tensor and the maps it works on."""

import enum
from dataclasses import dataclass
from typing import NamedTuple

from spec.numerics import MASK_WIDTHS, RING_WIDTHS, Widths
from spec.ring import Ring
from spec.supermask import Mode

__all__ = ["POOL", "Layer", "Role", "Scale", "Window"]


class Role(enum.StrEnum):
    """What a layer is in its block; it decides where activations come from and go."""

    STEM = "stem"  #: Prepared image -> residual stream.
    POOL = "pool"  #: Residual stream -> its maxima; no weights.
    INNER = "inner"  #: Residual stream (first layer of a block) or branch -> branch.
    SHORTCUT = "shortcut"  #: Residual stream -> projected residual stream, stored signed, no ReLU.
    LAST = "last"  #: Branch -> residual stream, adds the residual.
    CLASSIFIER = "classifier"  #: Residual stream, summed over positions -> logits.
    MAPS = "maps"  #: Residual stream -> maps that are sent to the host, stored signed, no ReLU.

    @property
    def signed(self) -> bool:
        """Whether it stores signed values."""
        return self in (Role.SHORTCUT, Role.MAPS)


class Scale(enum.StrEnum):
    """What a block works on, and what it adds, where that is not the residual stream alone."""

    SAME = "same"  #: It works on the stream, and adds it or its projection.
    KEEP = "keep"  #: The same, and the stream is kept for a later block as well.
    DOWN = "down"  #: The stream is kept, and the block works on its max pool.
    JOIN = "join"  #: It works on what was kept last, and adds the stream.
    UP = "up"  #: The same, with the stream at twice its size (:func:`spec.numerics.upsample`).

    @property
    def keeps(self) -> bool:
        """Whether the block keeps the stream."""
        return self in (Scale.KEEP, Scale.DOWN)

    @property
    def takes(self) -> bool:
        """Whether the block takes what was kept last."""
        return self in (Scale.JOIN, Scale.UP)


class Window(NamedTuple):
    """A square window that slides over a map."""

    kernel: int
    stride: int
    pad: int


#: The max pool after a stem. Positions outside the map count as 0, which no activation is below.
POOL = Window(kernel=3, stride=2, pad=1)


@dataclass(frozen=True)
class Layer:
    """One weight tensor and the maps it works on, as the hardware sees them.

    ``index`` counts weight tensors in network order; ``(outputs, kernel, kernel, inputs)`` is the OHWI shape.
    The stem is a 1x1 layer over prepared channels (:func:`spec.numerics.prepare`). The max pool is described likewise,
    though it has no weights, hence no index (-1) and no part in the modes.

    ``block`` is the residual block it is in, None outside.

    ``mode`` is the structure of its trits: those of a layer that draws from a ``ring`` have none (``any``).

    ``owner`` is the layer whose weights (signs, mask or draw) it uses, None if they are its own.
    """

    index: int
    name: str
    role: Role
    inputs: int
    outputs: int
    kernel: int
    stride: int
    pad: int
    height: int
    width: int
    iterations: int
    mode: Mode
    ring: Ring | None = None
    block: str | None = None
    owner: str | None = None

    @property
    def tensor(self) -> str:
        """The layer that its weights are called by: its owner, or itself."""
        return self.owner or self.name

    @property
    def planes(self) -> int:
        """Trits of a weight."""
        return self.ring.planes if self.ring else 1

    @property
    def passes(self) -> int:
        """Passes over the array that a tile of its weights takes, over all planes."""
        return self.mode.passes * self.planes

    @property
    def widths(self) -> Widths:
        """Bits of its sums."""
        return RING_WIDTHS if self.ring else MASK_WIDTHS

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """OHWI shape of the weights."""
        return (self.outputs, self.kernel, self.kernel, self.inputs)

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        if self.role is Role.POOL:
            return 0
        return self.outputs * self.kernel * self.kernel * self.inputs

    @property
    def out_height(self) -> int:
        """Rows of the output map (of the positions summed, for the classifier)."""
        return (self.height + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Columns of the output map."""
        return (self.width + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def positions(self) -> int:
        """Output pixels."""
        return self.out_height * self.out_width

    @property
    def macs(self) -> int:
        """Dense-equivalent multiply-accumulates of one iteration (masked ones counted, pooled classifier once)."""
        return self.weight_count * (1 if self.role is Role.CLASSIFIER else self.positions)

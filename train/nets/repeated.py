"""A sub-network that is run several times: shared weights, weights of its own for every run, or one ring for all runs.

It stands in for the recurrent applications of the paper (multiscale blocks against deep equilibrium models, stacked
pose machines, multi-task regression) where their data sets and backbones are not at hand. The question is theirs: at
the degrees of freedom of one sub-network, does a ring make better use of them than running the same weights again?

Ref: RPG (arXiv:2107.07110), section 4, "RPGs at Sub-Network-Level", 5.1 (Table 1), 5.3 (Table 4) and 5.4 (Table 5).
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.lfsr import layer_seed
from spec.numerics import PIXEL_MAX
from spec.refusal import Refused
from train.nets.addressing import Addressing, Slot
from train.nets.ring import Ring, Unshared
from train.nets.ring_plan import shared_out

__all__ = ["RepeatedNet", "RepeatedShape", "Sharing", "repeated_slots", "sources_of"]


class Sharing(enum.StrEnum):
    """What the runs of the sub-network have in common."""

    TIED = "tied"  #: All weights: the same sub-network again (recurrent; convolutional pose machines).
    RING = "ring"  #: One ring for all runs (sub-network RPG).
    BLOCK_RINGS = "block-rings"  #: A ring for each block, shared by that block's copies in all runs (section 5.4).
    UNSHARED = "unshared"  #: Nothing: the ceiling, with as many times the weights.


@dataclass(frozen=True)
class RepeatedShape:
    """3x3 stem, 2x2 max pool, ``repeats`` runs of a sub-network of ``blocks`` residual blocks, average, classifier."""

    image: tuple[int, int, int]
    classes: int
    width: int = 32
    blocks: int = 2
    repeats: int = 2

    def __post_init__(self):
        if min(self.width, self.blocks, self.repeats) < 1:
            raise Refused(f"Width, blocks and repeats must be at least 1, not {self}")

    @property
    def subnet_weights(self) -> int:
        """Weights of one run: the degrees of freedom that tied weights have."""
        return self.blocks * 2 * 9 * self.width**2


def repeated_slots(shape: RepeatedShape, seed: int = 0) -> tuple[Slot, ...]:
    """Convolutions of all runs in order: ``runT.blockB.convC``."""
    names = [
        f"run{t}.block{b}.conv{c}" for t in range(shape.repeats) for b in range(shape.blocks) for c in (1, 2)
    ]
    return tuple(
        Slot(name, (shape.width, 3, 3, shape.width), layer_seed(seed, index)) for index, name in enumerate(names)
    )


def sources_of(
    slots: Sequence[Slot], sharing: Sharing, dof: int | None, *, addressing: Addressing = Addressing.ELEMENT,
    flips: bool = True, generator: torch.Generator,
) -> tuple[nn.ModuleList, Unshared]:
    """Where the weights of all runs come from: rings and tensors of their own, either of which may be none.

    Parameters
    ----------
    slots : sequence of Slot
        Of all runs in order, named ``runT.BLOCK.REST``. Tied weights are those of ``run0``.
    sharing : Sharing
    dof : int or None
        Values of all rings; by default those of ``run0``.
    addressing, flips, generator
        As :class:`train.nets.ring.Ring` takes them.
    """
    first = [slot for slot in slots if slot.name.startswith("run0.")]
    rings = nn.ModuleList()
    if sharing in (Sharing.RING, Sharing.BLOCK_RINGS):
        groups: dict[str, list[Slot]] = {}
        for slot in slots:
            block = slot.name.split(".")[1]
            groups.setdefault("ring" if sharing is Sharing.RING else block, []).append(slot)
        sizes = shared_out(
            dof or sum(slot.weight_count for slot in first),
            {name: sum(s.weight_count for s in group) for name, group in groups.items()},
            word=16 if addressing is Addressing.WORD else 1,
        )
        for name, group in groups.items():
            rings.append(Ring(name, sizes[name], group, addressing=addressing, flips=flips, generator=generator))
    return rings, Unshared({Sharing.TIED: first, Sharing.UNSHARED: slots}.get(sharing, ()), generator)


class RepeatedNet(nn.Module):
    """Network of ``shape``; images in, logits out.

    Parameters
    ----------
    shape : RepeatedShape
    sharing : Sharing
    own_norms : bool
        Batch norms for every run, or one set for all runs (Table 5, "shared BN").
    dof : int, optional
        Values of all rings; by default those of one sub-network.
    addressing, flips, seed
        Of the rings.
    generator : torch.Generator
        Draws all initial values.
    """

    def __init__(
        self, shape: RepeatedShape, sharing: Sharing, *, own_norms: bool = True, dof: int | None = None,
        addressing: Addressing = Addressing.ELEMENT, flips: bool = True, seed: int = 0, generator: torch.Generator,
    ):
        super().__init__()
        self.shape = shape
        self.sharing = sharing
        self.own_norms = own_norms
        slots = repeated_slots(shape, seed)
        per_run = len(slots) // shape.repeats
        self.rings, self.own = sources_of(
            slots, sharing, dof, addressing=addressing, flips=flips, generator=generator
        )
        stem = Slot("stem", (shape.width, 3, 3, shape.image[2]), layer_seed(seed, len(slots)))
        classifier = Slot("classifier", (shape.classes, 1, 1, shape.width), layer_seed(seed, len(slots) + 1))
        self.ends = Unshared((stem, classifier), generator)
        self.stem_norm = nn.BatchNorm2d(shape.width)
        # (run, block, convolution) or (block, convolution), flattened
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(shape.width) for _ in range(per_run * (shape.repeats if own_norms else 1))
        )
        self.bias = nn.Parameter(torch.zeros(shape.classes))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes), float32, of uint8 ``images`` (B, H, W, C)."""
        ends, weights = self.ends.draw(), self.own.draw()
        for ring in self.rings:
            weights |= ring.draw()
        x = images.permute(0, 3, 1, 2) / PIXEL_MAX  # (B, C, H, W)
        x = functional.relu(_conv_bn(x, ends["stem"], self.stem_norm))
        x = functional.max_pool2d(x, 2)  # (B, W, H/2, W/2), and so to the end
        for t in range(self.shape.repeats):
            run = 0 if self.sharing is Sharing.TIED else t
            for b in range(self.shape.blocks):
                first = 2 * (b + (t * self.shape.blocks if self.own_norms else 0))
                y = functional.relu(_conv_bn(x, weights[f"run{run}.block{b}.conv1"], self.norms[first]))
                x = functional.relu(x + _conv_bn(y, weights[f"run{run}.block{b}.conv2"], self.norms[first + 1]))
        return functional.linear(x.mean((2, 3)), ends["classifier"].flatten(1), self.bias)


def _conv_bn(x: Tensor, weight: Tensor, norm: nn.Module) -> Tensor:
    """``norm`` of the convolution of ``x`` (B, C, H, W) with ``weight`` (O, K, K, C): stride 1, same size."""
    return norm(functional.conv2d(x, weight.permute(0, 3, 1, 2), padding=weight.shape[1] // 2))

"""Stacked hourglass networks: sub-networks that each look at all scales and say where the joints are.

    stem:         7x7/2 convolution, residual, 2x2 max pool, residual, residual: S x S pixels to S/4 x S/4 cells
    sub-network:  hourglass, residual, 1x1 convolution, 1x1 to a heat map for each joint
    between two:  x + remap(features) + remap(heat maps), 1x1 each
    hourglass d:  residual(x) + up(residual(hourglass d-1(residual(pool(x))))), whose middle (d = 0) is a residual

Residual modules normalize before they convolve: 1x1 to half of the channels, 3x3, 1x1 back. Up is nearest, twice as
large. What sub-networks share is :class:`train.nets.repeated.Sharing`; the stem has weights of its own.

Ref: Newell et al., Stacked Hourglass Networks for Human Pose Estimation, ECCV 2016, sections 3.1 and 3.2 (width 256,
depth 4, 256 pixels); RPG (arXiv:2107.07110), section 5.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.budgets import Budget
from spec.lfsr import layer_seed
from spec.numerics import PIXEL_MAX
from spec.refusal import Refused
from train.nets.addressing import Slot
from train.nets.repeated import Sharing, sources_of
from train.nets.ring import Unshared
from train.pose.heatmaps import STRIDE
from train.pose.skeleton import JOINTS

__all__ = ["HourglassShape", "StackedHourglass", "hourglass_slots"]


@dataclass(frozen=True)
class HourglassShape:
    """Side of the images in pixels; channels; halvings in an hourglass; sub-networks."""

    side: int = 256
    width: int = 256
    depth: int = 4
    stacks: int = 2

    def __post_init__(self):
        if self.width < 4 or self.width % 4 or min(self.depth, self.stacks) < 1:
            raise Refused(
                f"Hourglasses need a width in multiples of 4 and at least one of depth and stacks, not {self}"
            )
        unit = STRIDE << self.depth
        if self.side < unit or self.side % unit:
            raise Refused(
                f"Hourglasses of depth {self.depth} need images with a side in multiples of {unit} pixels, not "
                f"{self.side}; change the side or the depth"
            )
        # 7 weights of 13/4 width**2 a level are a bound from above.
        Budget.WEIGHTS.check(self.stacks * (self.depth + 2) * 23 * self.width**2, "The network", "make it smaller")

    @property
    def cells(self) -> int:
        """Side of a heat map."""
        return self.side // STRIDE

    @property
    def residuals(self) -> tuple[str, ...]:
        """Residual modules of a sub-network."""
        levels = range(self.depth, 0, -1)
        return (*(f"{part}{level}" for level in levels for part in ("skip", "down", "back")), "middle", "features")

    def convolutions(self, last: bool) -> dict[str, tuple[tuple[int, int, int, int], float]]:
        """Shape (OHWI) and gain of every convolution of a sub-network; the ``last`` has no remaps."""
        full, joints = self.width, len(JOINTS)
        found = {}
        for name in self.residuals:
            found |= _residual_convs(name, full, full)
        found["lin.conv1"] = (full, 1, 1, full), 2.0
        found["heat.conv1"] = (joints, 1, 1, full), 0.01  # Maps are almost 0 almost everywhere.
        if not last:
            found["remap.conv1"] = (full, 1, 1, full), 1.0
            found["remap.conv2"] = (full, 1, 1, joints), 1.0
        return found

    @property
    def subnet_weights(self) -> int:
        """Weights of the first sub-network: the degrees of freedom that shared weights have."""
        return sum(slot.weight_count for slot in hourglass_slots(self) if slot.name.startswith("run0."))


def _residual_convs(name: str, inputs: int, outputs: int) -> dict[str, tuple[tuple[int, int, int, int], float]]:
    half = outputs // 2
    found = {
        f"{name}.conv1": ((half, 1, 1, inputs), 2.0), f"{name}.conv2": ((half, 3, 3, half), 2.0),
        f"{name}.conv3": ((outputs, 1, 1, half), 2.0),
    }
    return found if inputs == outputs else found | {f"{name}.across": ((outputs, 1, 1, inputs), 1.0)}


def hourglass_slots(shape: HourglassShape, seed: int = 0) -> tuple[Slot, ...]:
    """Convolutions of all sub-networks in order: ``runT.MODULE.convC``."""
    named = [
        (f"run{run}.{name}", *what) for run in range(shape.stacks)
        for name, what in shape.convolutions(last=run == shape.stacks - 1).items()
    ]
    return tuple(Slot(name, form, layer_seed(seed, index), gain) for index, (name, form, gain) in enumerate(named))


def _stem_slots(width: int, seed: int, index: int) -> tuple[Slot, ...]:
    convs = {"first.conv1": ((width // 4, 7, 7, 3), 2.0)}
    convs |= _residual_convs("res1", width // 4, width // 2) | _residual_convs("res2", width // 2, width // 2)
    convs |= _residual_convs("res3", width // 2, width)
    return tuple(
        Slot(name, form, layer_seed(seed, index + number), gain)
        for number, (name, (form, gain)) in enumerate(convs.items())
    )


class StackedHourglass(nn.Module):
    """Network of ``shape``; images in, the heat maps of every sub-network out.

    Parameters
    ----------
    shape : HourglassShape
    sharing : Sharing
    own_norms : bool
        Batch norms and biases of heat maps for every sub-network, or one set for all.
    dof : int, optional
        Values of all rings; by default those of one sub-network.
    seed : int
        Of addresses and flips.
    generator : torch.Generator
        Draws all initial values.
    """

    def __init__(
        self, shape: HourglassShape, sharing: Sharing, *, own_norms: bool = True, dof: int | None = None,
        seed: int = 0, generator: torch.Generator,
    ):
        super().__init__()
        self.shape = shape
        self.sharing = sharing
        slots = hourglass_slots(shape, seed)
        self.rings, self.own = sources_of(slots, sharing, dof, generator=generator)
        stem = _stem_slots(shape.width, seed, len(slots))
        self.stem = Unshared(stem, generator)
        self.stem_norms = _norms(stem)
        sets = shape.stacks if own_norms else 1
        first = [slot for slot in slots if slot.name.startswith("run0.")]
        self.norms = nn.ModuleList(_norms(first) for _ in range(sets))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(len(JOINTS))) for _ in range(sets))

    @property
    def degrees_of_freedom(self) -> int:
        """Free weights of all sub-networks together."""
        return sum(values.numel() for source in (self.rings, self.own) for values in source.parameters())

    @property
    def cells(self) -> int:
        """Side of a heat map."""
        return self.shape.cells

    def forward(self, images: Tensor) -> Tensor:
        """Heat maps (stacks, B, 16, S/4, S/4), float32, of uint8 ``images`` (B, S, S, 3)."""
        weights = self.own.draw()
        for ring in self.rings:
            weights |= ring.draw()
        x = self._stem(images.permute(0, 3, 1, 2) / PIXEL_MAX)
        found = []
        for run in range(self.shape.stacks):
            prefix = "run0." if self.sharing is Sharing.TIED else f"run{run}."
            mine = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
            own = min(run, len(self.norms) - 1)
            part = _Part(mine, self.norms[own])
            y = part.residual(_hourglass(part, x, self.shape.depth), "features")
            y = functional.relu(part.norm(part.conv(y, "lin.conv1"), "lin.conv1"))
            heat = part.conv(y, "heat.conv1") + self.biases[own][:, None, None]
            found.append(heat)
            if run < self.shape.stacks - 1:
                x = x + part.conv(y, "remap.conv1") + part.conv(heat, "remap.conv2")
        return torch.stack(found)

    def _stem(self, x: Tensor) -> Tensor:
        part = _Part(self.stem.draw(), self.stem_norms)
        x = functional.relu(part.norm(part.conv(x, "first.conv1", stride=2), "first.conv1"))
        x = functional.max_pool2d(part.residual(x, "res1"), 2)
        return part.residual(part.residual(x, "res2"), "res3")


def _norms(slots: tuple[Slot, ...] | list[Slot]) -> nn.ModuleDict:
    """A batch norm before each convolution of a residual module, and after the two that are outside of one."""
    norms = nn.ModuleDict()
    for slot in slots:
        name = slot.name.removeprefix("run0.")
        module, conv = name.split(".")
        if conv == "across" or module in ("heat", "remap"):
            continue
        channels = slot.shape[0] if module in ("first", "lin") else slot.shape[3]
        norms[_key(name)] = nn.BatchNorm2d(channels)
    return norms


def _key(name: str) -> str:
    """Name of a batch norm; torch takes no dots."""
    return name.replace(".", "_")


@dataclass(frozen=True)
class _Part:
    """Weights (OHWI) and batch norms of a part of the network, by convolution."""

    weights: Mapping[str, Tensor]
    norms: nn.ModuleDict

    def conv(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight = self.weights[name]
        return functional.conv2d(x, weight.permute(0, 3, 1, 2), stride=stride, padding=weight.shape[1] // 2)

    def norm(self, x: Tensor, name: str) -> Tensor:
        return self.norms[_key(name)](x)

    def residual(self, x: Tensor, name: str) -> Tensor:
        y = x
        for conv in (f"{name}.conv{number}" for number in (1, 2, 3)):
            y = self.conv(functional.relu(self.norm(y, conv)), conv)
        across = f"{name}.across"
        return y + (self.conv(x, across) if across in self.weights else x)


def _hourglass(part: _Part, x: Tensor, level: int) -> Tensor:
    """Hourglass of ``level`` halvings on ``x`` (B, C, H, W)."""
    if not level:
        return part.residual(x, "middle")
    low = part.residual(functional.max_pool2d(x, 2), f"down{level}")
    low = part.residual(_hourglass(part, low, level - 1), f"back{level}")
    return part.residual(x, f"skip{level}") + functional.interpolate(low, scale_factor=2, mode="nearest")

"""Multiscale blocks: run to their fixed point, or a few times with weights from a ring.

    stem:    x_0 = relu(norm(3x3(image))), x_i = relu(norm(1x1(averages of x_0)))
    block:   b_i = relu(norm(3x3(relu(norm(3x3(z_i)))) + x_i))    for every resolution i
             z'_i = norm(b_i + sum_j map_ji(b_j))
    maps:    to a coarser resolution: averages, then 3x3 of stride 2; to a finer one: 1x1, then nearest
    head:    averages of all resolutions, and a linear classifier

z is x at first. Norms are those of all features of an image (a batch's would make its fixed point that of its company),
and what depends on z begins small, so that a fixed point is found from the first step on. Bai et al. add z_i to the
inner sum, and x at the finest resolution only; a block as small as these then has no fixed point that could be found
before it is trained, for a norm makes what does not depend on the image as strong as what does.

Ref: Bai et al., Multiscale Deep Equilibrium Models, NeurIPS 2020, section 3 and Fig. 2; RPG (arXiv:2107.07110), section
5.1, "Compared to Deep Equilibrium Models".
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.lfsr import layer_seed
from spec.numerics import PIXEL_MAX
from spec.refusal import Refused
from train.equilibrium.implicit import equilibrium
from train.equilibrium.solver import Anderson, Convergence
from train.nets.addressing import Slot
from train.nets.repeated import Sharing, sources_of
from train.nets.ring import Unshared

__all__ = ["MultiscaleNet", "MultiscaleShape", "multiscale_slots"]

#: Variance that weights begin with, over that of their fan-in, by the end of their name; 2 is Kaiming's.
_GAINS = {"conv1": 2.0, "conv2": 0.1, "map": 0.5}


@dataclass(frozen=True)
class MultiscaleShape:
    """Image (H, W, C), classes, and channels of every resolution, each half as fine as the one before."""

    image: tuple[int, int, int]
    classes: int
    scales: tuple[int, ...] = (16, 32)

    def __post_init__(self):
        if len(self.scales) < 2 or min(self.scales) < 1:
            raise Refused(
                f"A multiscale block needs the channels of at least two resolutions, not {self.scales}; give --scales "
                "16,32"
            )
        coarse = 1 << (len(self.scales) - 1)
        if any(side % coarse for side in self.image[:2]):
            raise Refused(
                f"{len(self.scales)} resolutions need images with sides in multiples of {coarse} pixels, not "
                f"{self.image[0]}x{self.image[1]}; change --shrink or --scales"
            )

    def convolutions(self) -> dict[str, tuple[tuple[int, int, int, int], float]]:
        """Shape (OHWI) and gain of every convolution of a block."""
        found = {}
        for i, width in enumerate(self.scales):
            found |= {f"scale{i}.{conv}": ((width, 3, 3, width), _GAINS[conv]) for conv in ("conv1", "conv2")}
        for j, source in enumerate(self.scales):
            for i, target in enumerate(self.scales):
                if i != j:
                    kernel = 3 if i > j else 1
                    found[f"map{j}to{i}.conv1"] = (target, kernel, kernel, source), _GAINS["map"]
        return found

    @property
    def block_weights(self) -> int:
        """Weights of a block: the degrees of freedom of all these networks."""
        return sum(slot.weight_count for slot in multiscale_slots(self, 1))


def multiscale_slots(shape: MultiscaleShape, repeats: int, seed: int = 0) -> tuple[Slot, ...]:
    """Convolutions of ``repeats`` blocks in order: ``runT.PART.convC``."""
    named = [(f"run{run}.{name}", *what) for run in range(repeats) for name, what in shape.convolutions().items()]
    return tuple(Slot(name, form, layer_seed(seed, index), gain) for index, (name, form, gain) in enumerate(named))


def _end_slots(shape: MultiscaleShape, seed: int, index: int) -> tuple[Slot, ...]:
    """Stem and classifier."""
    finest = shape.scales[0]
    forms = {"stem0": (finest, 3, 3, shape.image[2])}
    forms |= {f"stem{i}": (width, 1, 1, finest) for i, width in enumerate(shape.scales) if i}
    forms["classifier"] = (shape.classes, 1, 1, sum(shape.scales))
    return tuple(Slot(name, form, layer_seed(seed, index + n)) for n, (name, form) in enumerate(forms.items()))


class MultiscaleNet(nn.Module):
    """Network of ``shape``; images in, logits out.

    Parameters
    ----------
    shape : MultiscaleShape
    repeats : int
        Runs of the block, with norms of their own; 0: one block, run to its equilibrium.
    sharing : Sharing
        What the runs share; a ring has the degrees of freedom of one block.
    solver, convergence
        Of the equilibrium.
    seed : int
        Of addresses and flips.
    generator : torch.Generator
        Draws all initial values.
    """

    def __init__(
        self, shape: MultiscaleShape, repeats: int, sharing: Sharing = Sharing.RING, *, solver: Anderson | None = None,
        convergence: Convergence | None = None, seed: int = 0, generator: torch.Generator,
    ):
        super().__init__()
        self.shape = shape
        self.repeats = repeats
        self.sharing = sharing if repeats else Sharing.TIED
        self.solver = solver or Anderson()
        self.convergence = convergence or Convergence(100)
        slots = multiscale_slots(shape, repeats or 1, seed)
        self.rings, self.own = sources_of(slots, self.sharing, None, generator=generator)
        self.ends = Unshared(_end_slots(shape, seed, len(slots)), generator)
        self.stem_norms = nn.ModuleList(map(_norm, shape.scales))
        self.norms = nn.ModuleList(
            nn.ModuleList(nn.ModuleList(_norm(width) for _ in range(3)) for width in shape.scales)
            for _ in range(repeats or 1)
        )
        self.bias = nn.Parameter(torch.zeros(shape.classes))

    @property
    def degrees_of_freedom(self) -> int:
        """Free weights of all runs together."""
        return sum(values.numel() for source in (self.rings, self.own) for values in source.parameters())

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes), float32, of uint8 ``images`` (B, H, W, C)."""
        ends, weights = self.ends.draw(), self.own.draw()
        for ring in self.rings:
            weights |= ring.draw()
        x = self._injected(ends, images.permute(0, 3, 1, 2) / PIXEL_MAX)
        if self.repeats:
            z = x
            for run in range(self.repeats):
                z = self._block(weights, run, z, x)
        else:
            z = self._settled(weights, x)
        features = torch.cat([part.mean((2, 3)) for part in z], 1)
        return functional.linear(features, ends["classifier"].flatten(1), self.bias)

    def _injected(self, ends: Mapping[str, Tensor], images: Tensor) -> list[Tensor]:
        """What the block is given of ``images`` (B, C, H, W), at every resolution."""
        found = [functional.relu(self.stem_norms[0](_conv(images, ends["stem0"])))]
        for i, norm in enumerate(self.stem_norms[1:], 1):
            coarse = functional.avg_pool2d(found[0], 1 << i)
            found.append(functional.relu(norm(_conv(coarse, ends[f"stem{i}"]))))
        return found

    def _settled(self, weights: Mapping[str, Tensor], x: list[Tensor]) -> list[Tensor]:
        """The fixed point of the block."""
        def function(flat: Tensor) -> Tensor:
            return _flat(self._block(weights, 0, _parts(flat, x), x))

        return _parts(equilibrium(function, _flat(x), self.solver, self.convergence, self.training), x)

    def _block(self, weights: Mapping[str, Tensor], run: int, z: list[Tensor], x: list[Tensor]) -> list[Tensor]:
        prefix = f"run{0 if self.sharing is Sharing.TIED else run}."
        branches = []
        for i, (part, norms) in enumerate(zip(z, self.norms[run], strict=True)):
            y = functional.relu(norms[0](_conv(part, weights[f"{prefix}scale{i}.conv1"])))
            branches.append(functional.relu(norms[1](_conv(y, weights[f"{prefix}scale{i}.conv2"]) + x[i])))
        found = []
        for i, norms in enumerate(self.norms[run]):
            mapped = (
                _mapped(branch, weights[f"{prefix}map{j}to{i}.conv1"], i - j)
                for j, branch in enumerate(branches) if j != i
            )
            found.append(norms[2](sum(mapped, branches[i])))
        return found


def _norm(width: int) -> nn.GroupNorm:
    return nn.GroupNorm(1, width)


def _flat(parts: list[Tensor]) -> Tensor:
    return torch.cat([part.flatten(1) for part in parts], 1)


def _parts(flat: Tensor, like: list[Tensor]) -> list[Tensor]:
    """Inverts :func:`_flat`: tensors of the shapes of ``like``."""
    parts = flat.split([part[0].numel() for part in like], 1)
    return [part.view(one.shape) for part, one in zip(parts, like, strict=True)]


def _mapped(x: Tensor, weight: Tensor, coarser: int) -> Tensor:
    """``x`` at a resolution that is ``coarser`` halvings away."""
    if coarser > 0:
        return _conv(functional.avg_pool2d(x, 1 << (coarser - 1)) if coarser > 1 else x, weight, 2)
    return functional.interpolate(_conv(x, weight), scale_factor=1 << -coarser, mode="nearest")


def _conv(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    return functional.conv2d(x, weight.permute(0, 3, 1, 2), stride=stride, padding=weight.shape[1] // 2)

"""An encoder-decoder for depth and normals, run once or again, with what it found before.

    stem:        3x3/2 convolution: S x S pixels to S/2 x S/2 cells
    sub-network: residual blocks, each of stride 2 and twice as wide; back up by 1x1 convolutions, nearest up-sampling,
                 the skip of that size added, a residual block; two heads: depth, and the direction of the normal
    again:       x + remap(features) + remap(depth and normal), 1x1 each

The second run sees the first one's features and answers, and both answers are trained. What the runs share is
:class:`train.nets.repeated.Sharing`; stem and remaps have weights of their own, so that any number of runs with a ring
or the same weights has the degrees of freedom of one.

Ref: Ramamonjisoa and Lepetit, SharpNet, ICCV Workshops 2019 (whose encoder is a ResNet-50, with a decoder for each
answer); RPG (arXiv:2107.07110), section 5.4.
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
from train.nets.addressing import Addressing, Slot
from train.nets.repeated import Sharing, sources_of
from train.nets.ring import Unshared

__all__ = ["EncoderDecoder", "EncoderDecoderShape", "encoder_decoder_slots"]

#: Metres that depth begins with, and channels of the two answers.
_TYPICAL, _ANSWERS = 3.0, {"depth": 1, "normal": 3}


@dataclass(frozen=True)
class EncoderDecoderShape:
    """Side of the images in pixels, channels at the finest resolution, halvings after the stem, runs."""

    side: int = 32
    width: int = 16
    depth: int = 2
    runs: int = 2

    def __post_init__(self):
        if min(self.width, self.depth, self.runs) < 1:
            raise Refused(f"Width, depth and runs of an encoder-decoder must be at least 1, not {self}")
        unit = 2 << self.depth
        if self.side < unit or self.side % unit:
            raise Refused(
                f"Encoder-decoders of depth {self.depth} need images with a side in multiples of {unit} pixels, not "
                f"{self.side}; change the side or the depth"
            )
        Budget.WEIGHTS.check(self.runs * 64 * self.width**2 * 4**self.depth, "The network", "make it smaller")

    def convolutions(self) -> dict[str, tuple[tuple[int, int, int, int], float]]:
        """Shape (OHWI) and gain of every convolution of a sub-network, ``BLOCK.convC``."""
        widths = [self.width << level for level in range(self.depth + 1)]
        found = _residual("enter", widths[0], widths[0])
        for level in range(1, self.depth + 1):
            found |= _residual(f"down{level}", widths[level - 1], widths[level])
        found |= _residual("middle", widths[-1], widths[-1])
        for level in range(self.depth, 0, -1):
            found[f"up{level}.conv1"] = (widths[level - 1], 1, 1, widths[level]), 2.0
            found |= _residual(f"back{level}", widths[level - 1], widths[level - 1])
        for name, channels in _ANSWERS.items():
            found[f"{name}.conv1"] = (channels, 3, 3, self.width), 0.1
        return found

    @property
    def subnet_weights(self) -> int:
        """Weights of one run: the degrees of freedom of all but unshared runs."""
        return sum(slot.weight_count for slot in encoder_decoder_slots(self) if slot.name.startswith("run0."))


def _residual(name: str, inputs: int, outputs: int) -> dict[str, tuple[tuple[int, int, int, int], float]]:
    found = {f"{name}.conv1": ((outputs, 3, 3, inputs), 2.0), f"{name}.conv2": ((outputs, 3, 3, outputs), 2.0)}
    return found if inputs == outputs else found | {f"{name}.across": ((outputs, 1, 1, inputs), 1.0)}


def encoder_decoder_slots(shape: EncoderDecoderShape, seed: int = 0) -> tuple[Slot, ...]:
    """Convolutions of all runs in order: ``runT.BLOCK.convC``."""
    named = [(f"run{run}.{name}", *what) for run in range(shape.runs) for name, what in shape.convolutions().items()]
    return tuple(Slot(name, form, layer_seed(seed, index), gain) for index, (name, form, gain) in enumerate(named))


class EncoderDecoder(nn.Module):
    """Network of ``shape``; images in, the depths and normals of every run out.

    Parameters
    ----------
    shape : EncoderDecoderShape
    sharing : Sharing
    own_norms : bool
        Batch norms and biases of the answers for every run, or one set for all.
    seed : int
        Of addresses and flips.
    generator : torch.Generator
        Draws all initial values.
    """

    def __init__(
        self, shape: EncoderDecoderShape, sharing: Sharing, *, own_norms: bool = True, seed: int = 0,
        generator: torch.Generator,
    ):
        super().__init__()
        self.shape = shape
        self.sharing = sharing
        slots = encoder_decoder_slots(shape, seed)
        # In the order of the network, copies of a layer would draw the same values from one ring of this size as from a
        # ring for each block.
        addressing = Addressing.SHUFFLE if sharing is Sharing.RING else Addressing.ELEMENT
        self.rings, self.own = sources_of(slots, sharing, None, addressing=addressing, generator=generator)
        self.ends = Unshared(_ends(shape, seed, len(slots)), generator)
        self.stem_norm = nn.BatchNorm2d(shape.width)
        sets = shape.runs if own_norms else 1
        self.norms = nn.ModuleList(_norms(shape) for _ in range(sets))
        self.biases = nn.ParameterList(nn.Parameter(torch.tensor([_TYPICAL, 0.0, 0.0, -1.0])) for _ in range(sets))

    @property
    def degrees_of_freedom(self) -> int:
        """Free weights of all runs together, without stem and remaps."""
        return sum(values.numel() for source in (self.rings, self.own) for values in source.parameters())

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Depth (runs, B, S, S) in metres and unit normals (runs, B, 3, S, S) of uint8 ``images`` (B, S, S, 3)."""
        ends, weights = self.ends.draw(), self.own.draw()
        for ring in self.rings:
            weights |= ring.draw()
        x = _conv(images.permute(0, 3, 1, 2) / PIXEL_MAX, ends["stem"], 2)
        x = functional.relu(self.stem_norm(x))
        depths, normals = [], []
        for run in range(self.shape.runs):
            prefix = "run0." if self.sharing is Sharing.TIED else f"run{run}."
            mine = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
            own = min(run, len(self.norms) - 1)
            features, answer = _Part(mine, self.norms[own]).run(x, self.shape.depth, self.biases[own])
            whole = functional.interpolate(answer, scale_factor=2, mode="bilinear", align_corners=False)
            depths.append(whole[:, 0])
            normals.append(functional.normalize(whole[:, 1:], dim=1))
            if run < self.shape.runs - 1:
                x = x + _conv(features, ends[f"features{run}"]) + _conv(answer, ends[f"answer{run}"])
        return torch.stack(depths), torch.stack(normals)


def _ends(shape: EncoderDecoderShape, seed: int, index: int) -> tuple[Slot, ...]:
    """Stem, and what leads from one run to the next."""
    forms = {"stem": ((shape.width, 3, 3, 3), 2.0)}
    for run in range(shape.runs - 1):
        forms[f"features{run}"] = (shape.width, 1, 1, shape.width), 1.0
        forms[f"answer{run}"] = (shape.width, 1, 1, sum(_ANSWERS.values())), 0.1
    return tuple(
        Slot(name, form, layer_seed(seed, index + number), gain)
        for number, (name, (form, gain)) in enumerate(forms.items())
    )


def _norms(shape: EncoderDecoderShape) -> nn.ModuleDict:
    """A batch norm after every convolution of a run but those that answer."""
    return nn.ModuleDict({
        _key(name): nn.BatchNorm2d(form[0]) for name, (form, _) in shape.convolutions().items()
        if name.split(".")[0] not in _ANSWERS
    })


def _key(name: str) -> str:
    """Name of a batch norm; torch takes no dots."""
    return name.replace(".", "_")


@dataclass(frozen=True)
class _Part:
    """Weights (OHWI) and batch norms of a run, by convolution."""

    weights: Mapping[str, Tensor]
    norms: nn.ModuleDict

    def run(self, x: Tensor, depth: int, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, W, S/2, S/2), and depth and direction of the normal (B, 4, S/2, S/2)."""
        y = self.residual(x, "enter")
        skips = [y]
        for level in range(1, depth + 1):
            y = self.residual(y, f"down{level}", stride=2)
            skips.append(y)
        y = self.residual(y, "middle")
        for level in range(depth, 0, -1):
            y = functional.relu(self.normed(y, f"up{level}.conv1"))
            y = functional.interpolate(y, scale_factor=2, mode="nearest") + skips[level - 1]
            y = self.residual(y, f"back{level}")
        answer = torch.cat([_conv(y, self.weights[f"{name}.conv1"]) for name in _ANSWERS], 1)
        return y, answer + bias[:, None, None]

    def residual(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        y = self.normed(functional.relu(self.normed(x, f"{name}.conv1", stride)), f"{name}.conv2")
        across = f"{name}.across"
        return functional.relu(y + (self.normed(x, across, stride) if across in self.weights else x))

    def normed(self, x: Tensor, name: str, stride: int = 1) -> Tensor:
        return self.norms[_key(name)](_conv(x, self.weights[name], stride))


def _conv(x: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    return functional.conv2d(x, weight.permute(0, 3, 1, 2), stride=stride, padding=weight.shape[1] // 2)

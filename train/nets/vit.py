"""ViT-RPG: a vision transformer whose matrices draw their weights from rings.

Ref: RPG (arXiv:2107.07110), section 5.1, "RPG for Transformers": 6 layers, 4 heads, 64 dimensions; the transformer is
Dosovitskiy et al., ICLR 2021, pre-norm. Patch size and width of the hidden layer are not in the paper.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.lfsr import layer_seed
from spec.numerics import PIXEL_MAX
from spec.refusal import Refused
from train.nets.addressing import Addressing, Slot
from train.nets.ring import Ring, Unshared

__all__ = ["VIT_PARTS", "RpgViT", "ViTShape", "vit_layers", "vit_slots"]

#: Matrices outside the transformer layers that may draw from the ring as well.
VIT_PARTS = ("patches", "classifier")


@dataclass(frozen=True)
class ViTShape:
    """Sizes of a vision transformer for images ``image`` (H, W, C)."""

    image: tuple[int, int, int]
    classes: int
    patch: int = 4
    dim: int = 64
    depth: int = 6
    heads: int = 4
    expansion: int = 4  #: Of the hidden layer of the perceptron.

    def __post_init__(self):
        if self.image[0] % self.patch or self.image[1] % self.patch:
            raise Refused(f"Images of {self.image[0]}x{self.image[1]} cannot be cut into patches of {self.patch}")
        if self.dim % self.heads:
            raise Refused(f"A transformer of {self.dim} dimensions cannot have {self.heads} heads of equal size")

    @property
    def tokens(self) -> int:
        """Patches of an image."""
        return self.image[0] // self.patch * (self.image[1] // self.patch)


def vit_slots(shape: ViTShape, seed: int = 0) -> tuple[Slot, ...]:
    """All matrices in order: patches; query-key-value, output, up, down of every layer; classifier.

    Variance 1/fan_in, but 2/fan_in before the one rectifier-like nonlinearity.
    """
    dim, hidden = shape.dim, shape.dim * shape.expansion
    sizes = [("patches", dim, shape.patch**2 * shape.image[2], 1.0)]
    for i in range(shape.depth):
        sizes += [
            (f"layer{i}.qkv", 3 * dim, dim, 1.0), (f"layer{i}.out", dim, dim, 1.0),
            (f"layer{i}.up", hidden, dim, 2.0), (f"layer{i}.down", dim, hidden, 1.0),
        ]
    sizes.append(("classifier", shape.classes, dim, 1.0))
    return tuple(
        Slot(name, (outputs, 1, 1, inputs), layer_seed(seed, index), gain)
        for index, (name, outputs, inputs, gain) in enumerate(sizes)
    )


def vit_layers(shape: ViTShape, parts: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the matrices that draw from the ring: those of the layers, and ``parts`` of :data:`VIT_PARTS`."""
    parts = set(parts)
    if unknown := parts - set(VIT_PARTS):
        raise Refused(f"Parts of a transformer are {', '.join(VIT_PARTS)}, not {min(unknown)!r}")
    return tuple(slot.name for slot in vit_slots(shape) if slot.name.startswith("layer") or slot.name in parts)


class RpgViT(nn.Module):
    """Vision transformer; images in, logits out.

    Parameters
    ----------
    shape : ViTShape
    dof : int, optional
        Size of the ring; without it every matrix has weights of its own.
    parts : sequence of str
        Of :data:`VIT_PARTS`: what else is in the ring.
    addressing, flips
        Of the ring.
    seed : int
        Of permutations and flips.
    generator : torch.Generator
        Draws all initial values.
    """

    def __init__(
        self, shape: ViTShape, dof: int | None = None, *, parts: Sequence[str] = (),
        addressing: Addressing = Addressing.ELEMENT, flips: bool = True, seed: int = 0, generator: torch.Generator,
    ):
        super().__init__()
        self.shape = shape
        slots = vit_slots(shape, seed)
        drawn = vit_layers(shape, parts) if dof is not None else ()
        self.rings = nn.ModuleList()
        if dof is not None:
            shared = [slot for slot in slots if slot.name in drawn]
            self.rings.append(Ring("ring", dof, shared, addressing=addressing, flips=flips, generator=generator))
        self.own = Unshared([slot for slot in slots if slot.name not in drawn], generator)
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(slot.shape[0])) for slot in slots)
        self.bias_index = {slot.name: index for index, slot in enumerate(slots)}
        self.positions = nn.Parameter(torch.randn(shape.tokens, shape.dim, generator=generator) * 0.02)
        # Two per layer and a last one: never shared, as batch norms in a ResNet-RPG.
        self.norms = nn.ModuleList(nn.LayerNorm(shape.dim) for _ in range(2 * shape.depth + 1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes), float32, of uint8 ``images`` (B, H, W, C)."""
        weights = self.own.draw()
        for ring in self.rings:
            weights |= ring.draw()

        def linear(name: str, x: Tensor) -> Tensor:
            return functional.linear(x, weights[name].flatten(1), self.biases[self.bias_index[name]])

        x = linear("patches", self.patches(images)) + self.positions  # (B, T, D)
        for i in range(self.shape.depth):
            q, k, v = linear(f"layer{i}.qkv", self.norms[2 * i](x)).chunk(3, dim=-1)
            q, k, v = (part.unflatten(-1, (self.shape.heads, -1)).transpose(1, 2) for part in (q, k, v))  # (B, h, T, d)
            mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)  # (B, T, D)
            x = x + linear(f"layer{i}.out", mixed)
            hidden = functional.gelu(linear(f"layer{i}.up", self.norms[2 * i + 1](x)))  # (B, T, 4D)
            x = x + linear(f"layer{i}.down", hidden)
        return linear("classifier", self.norms[-1](x).mean(1))  # mean over tokens

    def patches(self, images: Tensor) -> Tensor:
        """Pixels / 255 of the patches of uint8 ``images`` (B, H, W, C): (B, T, patch*patch*C)."""
        p = self.shape.patch
        grid = (images / PIXEL_MAX).unflatten(2, (-1, p)).unflatten(1, (-1, p))  # (B, H/p, p, W/p, p, C)
        return grid.permute(0, 1, 3, 2, 4, 5).flatten(3).flatten(1, 2)

"""ResNet-RPG: a residual network whose convolutions draw their weights from rings.

Ref: RPG (arXiv:2107.07110), sections 3 (Batch Normalization), 4 and 5.1.
"""

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from spec.layer import Layer, Role, Window
from spec.network import Network
from train.nets.addressing import Addressing, Slot
from train.nets.config import Method, ModelConfig
from train.nets.layers import Convolution
from train.nets.model import ResidualNet, convolution
from train.nets.norms import FoldedNorm, norms
from train.nets.ring import Ring
from train.nets.ring_plan import RingPlan

__all__ = ["RpgResNet", "slot_of"]


def slot_of(network: Network, layer: Layer) -> Slot:
    """The weight tensor of ``layer``. Its seed is that of the layer's signs, as in the exported form."""
    return Slot(layer.name, layer.shape, network.seed_of(layer))


class RpgResNet(ResidualNet):
    """Residual network ``network`` whose layers draw from ``rings``; without rings, the dense network.

    Every convolution has affine batch norms of its own. Works on folded networks as well.

    Parameters
    ----------
    network : Network
    rings : sequence of RingPlan
        From :func:`train.nets.ring_plan.planned`, or any sizes and layers.
    addressing : Addressing
    flips : bool
    outside : Method
        What layers outside the rings are: ``dense``, learned weights and a classifier with a bias, as in the paper; or
        ``hnn``, supermasks over frozen signs, which hardware can run.
    generator : torch.Generator
        Draws the initial values of rings and masks; dense weights come from the network's seed.

    Members
    -------
    rings : ModuleList of Ring
    """

    def __init__(
        self, network: Network, rings: Sequence[RingPlan] = (), *, addressing: Addressing = Addressing.ELEMENT,
        flips: bool = True, outside: Method = Method.DENSE, generator: torch.Generator,
    ):
        drawn = {name for plan in rings for name in plan.layers}
        config = ModelConfig.of(outside, affine=True, density=network.density)
        super().__init__(network, (
            _drawn(network, layer) if layer.name in drawn
            else convolution(layer, network, _with_bias(config, layer), generator)
            for layer in network.layers
        ))
        self.drawn = drawn
        self.outside = outside
        slots = {layer.name: slot_of(network, layer) for layer in network.layers}
        self.rings = nn.ModuleList(
            Ring(plan.name, plan.size, [slots[name] for name in plan.layers], addressing=addressing, flips=flips,
                 generator=generator)
            for plan in rings
        )

    def effective_weights(self) -> list[Tensor]:
        """Weight (M, C, K, K) of every layer, by ``layer.index``: each ring is drawn once."""
        weights = {}
        for ring in self.rings:
            weights |= ring.draw()
        return [
            conv.as_convolved(weights[layer.name]) if layer.name in weights else conv.effective_weight()
            for layer, conv in zip(self.network.layers, self.convolutions, strict=True)
        ]


def _drawn(network: Network, layer: Layer) -> Convolution:
    """``layer`` without weights: they are drawn."""
    window = network.stem if layer.role is Role.STEM else layer
    norm = nn.ModuleList()
    if layer.role is not Role.CLASSIFIER:
        norm = norms(layer.name, layer.outputs, layer.iterations, folded=FoldedNorm.UBN, affine=True)
    return Convolution(Window(window.kernel, window.stride, window.pad), norm, bias=0)


def _with_bias(config: ModelConfig, layer: Layer) -> ModelConfig:
    """``config``, with a bias if ``layer`` is a dense classifier."""
    return dataclasses.replace(config, bias=layer.role is Role.CLASSIFIER and not config.method.masks)

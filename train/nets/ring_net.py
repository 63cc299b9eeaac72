"""ResNet-RPG: a residual network whose convolutions draw their weights from rings.

Ref: RPG (arXiv:2107.07110), sections 3 (Batch Normalization), 4 and 5.1.
"""

import dataclasses

import torch
from torch import Tensor, nn

from spec.layer import Layer, Role, Window
from spec.network import Network
from train.nets.addressing import Slot
from train.nets.config import ModelConfig
from train.nets.layers import Convolution
from train.nets.model import ResidualNet, convolution
from train.nets.norms import norms
from train.nets.ring import Ring
from train.nets.ring_plan import planned

__all__ = ["DrawnConv", "RpgResNet", "slot_of"]


def slot_of(network: Network, layer: Layer) -> Slot:
    """The weight tensor of ``layer``. Its seed is that of the layer's signs, as in the exported form."""
    return Slot(layer.name, layer.shape, network.seed_of(layer))


class DrawnConv(Convolution):
    """A convolution without weights: they are drawn from a ring.

    Members
    -------
    sigma : float
        What an integer of the ring is worth in this layer; 0 before the ring is rounded
        (:func:`train.deploy.ring_integers.round_rings`).
    """

    sigma = 0.0

    def __init__(self, network: Network, layer: Layer, config: ModelConfig):
        window = network.stem if layer.role is Role.STEM else layer
        norm = nn.ModuleList()
        if layer.role is not Role.CLASSIFIER:
            norm = norms(layer.name, layer.outputs, layer.iterations, folded=config.norm, affine=config.affine)
        super().__init__(Window(window.kernel, window.stride, window.pad), norm, bias=0)


class RpgResNet(ResidualNet):
    """Residual network ``network`` whose layers draw from the rings of ``config``; with 0 values, from none.

    Parameters
    ----------
    network : Network
    config : ModelConfig
        Its method says what layers outside the rings are: learned weights, and a classifier with a bias, as in the
        paper; or supermasks over frozen signs, which hardware can run. Works on folded networks as well.
    generator : torch.Generator
        Draws the initial values of masks and rings; dense weights come from the network's seed.

    Members
    -------
    rings : ModuleList of Ring
    """

    def __init__(self, network: Network, config: ModelConfig, generator: torch.Generator):
        plans = planned(network, config.rings)
        drawn = {name for plan in plans for name in plan.layers}
        super().__init__(network, (
            DrawnConv(network, layer, config) if layer.name in drawn
            else convolution(layer, network, _with_bias(config, layer), generator)
            for layer in network.layers
        ))
        self.config = config
        slots = {layer.name: slot_of(network, layer) for layer in network.layers}
        self.rings = nn.ModuleList(
            Ring(plan.name, plan.size, [slots[name] for name in plan.layers], addressing=config.rings.addressing,
                 flips=config.rings.flips, generator=generator)
            for plan in plans
        )

    def own_weights(self) -> dict[str, Tensor]:
        """Weight (M, C, K, K) of every layer that has its own, by name: each ring is drawn once."""
        weights = {}
        for ring in self.rings:
            weights |= ring.draw()
        return {
            layer.name: conv.as_convolved(weights[layer.name]) if layer.name in weights else conv.effective_weight()
            for layer, conv in zip(self.network.layers, self.convolutions, strict=True) if not layer.owner
        }


def _with_bias(config: ModelConfig, layer: Layer) -> ModelConfig:
    """``config``, with a bias if ``layer`` is a dense classifier."""
    free = layer.role is Role.CLASSIFIER and not config.method.masks
    return dataclasses.replace(config, bias=config.bias or free)

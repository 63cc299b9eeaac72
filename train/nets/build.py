"""The network that a configuration means, untrained."""

import torch
from torch import nn

from spec.network import Network
from spec.refusal import Refused
from train.nets.config import VIT, ModelConfig
from train.nets.fake_quantize import FakeQuantNet
from train.nets.model import HiddenFoldNet, ResidualNet
from train.nets.repeated import RepeatedNet, RepeatedShape
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import Rings, Scope
from train.nets.scales import Scales
from train.nets.vit import RpgViT, ViTShape

__all__ = ["built", "trainable"]


def built(
    config: ModelConfig, name: str, image: tuple[int, int, int], classes: int, seed: int, scales: Scales | None = None
) -> nn.Module:
    """The network of ``config`` for images (H, W, C), called ``name`` if it has no name; ``seed`` draws what it learns.

    With ``scales`` its activations are rounded.

    Raises
    ------
    Refused
        If it is impossible.
    """
    generator = torch.Generator().manual_seed(seed)
    if config.residual:
        return trainable(config.topology(name, image, classes), config, generator, scales)
    rings = config.rings or Rings()
    if rings.scope is not Scope.GLOBAL:
        raise Refused(f"A network of kind {config.network} has no rings by {rings.scope}; train small or a ResNet")
    how = {
        "addressing": rings.addressing, "flips": rings.flips, "dof": rings.dof or None, "seed": config.net_seed,
        "generator": generator,
    }
    if config.network == VIT:
        parts = tuple(part for part in rings.parts if part != "shortcut")
        return RpgViT(ViTShape(image, classes, config.patch, config.width), parts=parts, **how)
    shape = RepeatedShape(image, classes, config.width, config.blocks, config.repeats)
    return RepeatedNet(shape, config.sharing, own_norms=config.own_norms, **how)


def trainable(
    network: Network, config: ModelConfig, generator: torch.Generator, scales: Scales | None = None
) -> ResidualNet:
    """``network``, usually the topology of ``config``, with masks, weights or rings as that says."""
    if config.rings is not None:
        if scales is not None:
            raise Refused("A network with rings cannot be fine-tuned with rounded activations; deploy it as it is")
        return RpgResNet(network, config, generator)
    if scales is None:
        return HiddenFoldNet(network, config, generator)
    return FakeQuantNet(network, config, generator, scales)

"""The networks in floating point, as they are trained: dense, folded, hidden (HNN) and hidden-fold (HFN).

They differ in their layers only: what a weight is, and how often a block runs. Post-activation blocks in the order of
``spec.golden``: conv-BN-ReLU (twice in a bottleneck), conv-BN, add, ReLU, so that every stored activation but a
projection shortcut is at least 0.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III and Table 1.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.layer import POOL, Layer, Role, Window
from spec.network import Network
from spec.numerics import PIXEL_MAX
from spec.steps import Outputs, Step
from train.nets.config import ModelConfig
from train.nets.layers import BorrowingConv, Convolution, DenseConv, HiddenConv
from train.nets.norms import norms

__all__ = ["NORMALIZATION", "HiddenFoldNet", "ResidualNet", "convolution"]

#: What happens to a pixel before the first layer; the accelerator can do nothing else.
NORMALIZATION = "x/255"


def _ignore(layer: Layer, iteration: int, values: Tensor) -> None:
    """Observer that looks away."""


class ResidualNet(nn.Module):
    """Trainable form of ``network``: images in, logits out; its ``convolutions`` decide what a weight is.

    Parameters
    ----------
    network : Network
    convolutions : iterable of Convolution
        By ``layer.index``; a folded layer is one member, whatever its iterations.

    Members
    -------
    iterations : dict of block name to int
        How often each block runs; :func:`train.nets.stretch.stretch` changes it after training.
    """

    def __init__(self, network: Network, convolutions: Iterable[Convolution]):
        super().__init__()
        self.network = network
        self.iterations = {block.name: block.iterations for block in network.blocks}
        self.convolutions = nn.ModuleList(convolutions)

    def effective_weights(self) -> list[Tensor]:
        """Weight (M, C, K, K) of every layer, by ``layer.index``; layers that share one have the same tensor."""
        own = self.own_weights()
        return [own[layer.tensor] for layer in self.network.layers]

    def own_weights(self) -> dict[str, Tensor]:
        """Weight (M, C, K, K) of every layer that has its own, by name."""
        return {
            layer.name: self.convolutions[layer.index].effective_weight() for layer in self.network.own_layers
        }

    def forward(self, images: Tensor, observe: Callable[[Layer, int, Tensor], None] = _ignore) -> Tensor:
        """Logits (B, classes), or maps (B, joints, OH, OW), float32, of uint8 ``images`` (B, H, W, C).

        ``observe(layer, iteration, values)`` sees every activation that the deployed network stores, in its order.
        """
        # Once per step: every iteration of a recurrent block, and every layer of the same weights, shares this mask.
        weights = self.effective_weights()

        x = images.permute(0, 3, 1, 2) / PIXEL_MAX  # (B, C, H, W); the only normalization
        steps = self.network.unrolled(self.iterations)
        outputs = Outputs(steps, x)
        if not self.network.head.stored:
            steps = steps[:-1]
        for step in steps:
            y = self._execute(step, weights, *outputs.take())
            outputs.put(y)
            observe(step.layer, step.iteration, y)
        if self.network.head.stored:
            return y
        stream, _ = outputs.take()
        pooled = stream.mean((2, 3), keepdim=True)  # (B, N, 1, 1); silicon sums, and argmax does not mind
        return self.convolutions[-1](pooled, weights[-1], 0).flatten(1)

    def _execute(self, step: Step, weights: list[Tensor], x: Tensor, residual: Tensor | None) -> Tensor:
        layer = step.layer
        if layer.role is Role.POOL:
            # Torch pads with -inf, silicon with 0: the same, for after a ReLU nothing is below 0.
            return functional.max_pool2d(x, *POOL)
        y = self.convolutions[layer.index](x, weights[layer.index], step.iteration)
        if step.upsampled:
            residual = functional.interpolate(residual, scale_factor=2)[:, :, : y.shape[2], : y.shape[3]]
        if residual is not None:
            y = y + residual
        return self.stored(layer, y if layer.role.signed else functional.relu(y))

    def stored(self, layer: Layer, values: Tensor) -> Tensor:
        """What ``layer`` hands on of its output ``values`` (B, M, OH, OW); subclasses round it."""
        return values


class HiddenFoldNet(ResidualNet):
    """One of the four methods of the paper.

    Parameters
    ----------
    network : Network
    config : ModelConfig
        What its layers are; ``network`` is usually the topology of it.
    generator : torch.Generator
        Draws the initial scores, layer after layer.
    """

    def __init__(self, network: Network, config: ModelConfig, generator: torch.Generator):
        super().__init__(network, (convolution(layer, network, config, generator) for layer in network.layers))
        self.config = config


def convolution(layer: Layer, network: Network, config: ModelConfig, generator: torch.Generator) -> Convolution:
    """What ``layer`` is in a network of ``config``."""
    window = network.stem if layer.role is Role.STEM else layer
    norm = nn.ModuleList()
    if layer.role is not Role.CLASSIFIER:
        norm = norms(layer.name, layer.outputs, layer.iterations, folded=config.norm, affine=config.affine)
    shared = (layer, Window(window.kernel, window.stride, window.pad), norm, layer.outputs if config.bias else 0)
    if layer.owner:
        return BorrowingConv(*shared[1:])
    seed = network.seed_of(layer)
    if config.method.masks:
        density = config.density_of(layer.name)
        return HiddenConv(*shared, kind=config.weights, seed=seed, density=density, generator=generator)
    return DenseConv(*shared, kind=config.weights, seed=seed)

"""The hidden-fold network in floating point, as it is trained.

Post-activation blocks in the order of ``spec.golden``: conv-BN-ReLU (twice in a bottleneck), conv-BN, add, ReLU, so
that every stored activation but a projection shortcut is at least 0.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.network import POOL, Layer, Network, Role
from spec.numerics import PIXEL_MAX
from train.layers import HiddenConv

__all__ = ["NORMALIZATION", "HiddenFoldNet", "accuracy"]

#: What happens to a pixel before the first layer; the accelerator can do nothing else.
NORMALIZATION = "x/255"


def _ignore(layer: Layer, iteration: int, values: Tensor) -> None:
    """Observer that looks away."""


class HiddenFoldNet(nn.Module):
    """Trainable form of ``network``: images in, logits out.

    Parameters
    ----------
    network : Network
    generator : torch.Generator
        Draws the initial scores, layer after layer.
    affine : bool
        Learn gamma and beta of every batch norm; otherwise only of those in recurrent blocks (HFN, section IV-B).

    Members
    -------
    hidden : ModuleList of HiddenConv
        By ``layer.index``; a folded layer is one member, whatever its iterations.
    """

    def __init__(self, network: Network, generator: torch.Generator, affine: bool = False):
        super().__init__()
        self.network = network
        self.blocks = [(network.block_layers(block), block.iterations) for block in network.blocks]
        self.hidden = nn.ModuleList()
        for layer in network.layers:
            window = network.stem if layer.role is Role.STEM else layer
            self.hidden.append(HiddenConv(
                layer, seed=network.seed_of(layer), density=network.density,
                kernel=window.kernel, stride=window.stride, pad=window.pad,
                norms=0 if layer.role is Role.CLASSIFIER else layer.iterations,
                affine=affine or layer.iterations > 1, generator=generator,
            ))

    def forward(self, images: Tensor, observe: Callable[[Layer, int, Tensor], None] = _ignore) -> Tensor:
        """Logits (B, classes), float32, of uint8 ``images`` (B, H, W, C).

        ``observe(layer, iteration, values)`` sees every activation that the deployed network stores, in its order.
        """
        # Once per step: every iteration of a recurrent block shares the mask of this step.
        weights = [hidden.effective_weight() for hidden in self.hidden]

        def execute(layer: Layer, iteration: int, x: Tensor, residual=None) -> Tensor:
            y = self.hidden[layer.index](x, weights[layer.index], iteration)
            if residual is not None:
                y = y + residual
            if layer.role is not Role.SHORTCUT:
                y = functional.relu(y)
            observe(layer, iteration, y)
            return y

        x = images.permute(0, 3, 1, 2) / PIXEL_MAX  # (B, C, H, W); the only normalization
        stream = execute(self.network.layers[0], 0, x)
        if self.network.pool:
            # Torch pads with -inf, silicon with 0: the same, for after a ReLU nothing is below 0.
            stream = functional.max_pool2d(stream, *POOL)
            observe(self.network.pool, 0, stream)
        for layers, iterations in self.blocks:
            for t in range(iterations):
                residual = branch = stream
                for layer in layers:
                    if layer.role is Role.SHORTCUT:
                        residual = execute(layer, t, stream)
                    elif layer.role is Role.INNER:
                        branch = execute(layer, t, branch)
                    else:
                        stream = execute(layer, t, branch, residual)
        pooled = stream.mean((2, 3), keepdim=True)  # (B, N, 1, 1); silicon sums, and argmax does not mind
        return self.hidden[-1](pooled, weights[-1], 0).flatten(1)


@torch.no_grad()
def accuracy(model: HiddenFoldNet, images: np.ndarray, labels: np.ndarray, batch: int = 256) -> float:
    """Fraction of uint8 ``images`` (n, H, W, C) whose largest logit is at their label, in evaluation mode."""
    was_training = model.training
    model.eval()
    chunks = torch.from_numpy(images).split(batch)
    guesses = torch.cat([model(chunk).argmax(1) for chunk in chunks])
    model.train(was_training)
    return float((guesses.numpy() == labels).mean())

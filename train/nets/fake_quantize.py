"""Training with activations rounded as the deployed network rounds them, so that scores and norms learn to cope.

Every stored activation is ``clamp(floor(x / step + 1/2), lo, hi) * step``: one rounding, half up, the same clamps and
steps as the integers. Its gradient is that of ``clamp`` alone (straight-through). What is left between this and the
deployed network is the rounding of batch norms to entries, and float32.

Ref: Bengio et al., arXiv:1308.3432, for the gradient.
"""

import torch
from torch import Tensor

from spec.layer import Layer
from spec.network import Network
from train.nets.config import ModelConfig
from train.nets.model import HiddenFoldNet
from train.nets.scales import Scales

__all__ = ["FakeQuantNet", "fake_quantize"]


def fake_quantize(values: Tensor, step: float, low: int, high: int) -> Tensor:
    """``clamp(floor(values / step + 1/2), low, high) * step``, float32; gradient 1 from ``low`` to ``high``, else 0."""
    clamped = (values.float() / step).clamp(low, high)
    # The sum is exactly the rounded value: numbers that close to each other differ by a float.
    return (clamped + ((clamped + 0.5).floor() - clamped).detach()) * step


class FakeQuantNet(HiddenFoldNet):
    """A network that stores rounded activations, as :class:`train.deploy.deployed.DeployedNet` does.

    Its state is that of a :class:`HiddenFoldNet`.

    Parameters
    ----------
    scales : Scales
        Fixed.
    network, config, generator
        As :class:`HiddenFoldNet` takes them.
    """

    def __init__(self, network: Network, config: ModelConfig, generator: torch.Generator, scales: Scales):
        super().__init__(network, config, generator)
        self.scales = scales

    def stored(self, layer: Layer, values: Tensor) -> Tensor:
        """``values`` rounded to what ``layer`` stores."""
        return fake_quantize(values, self.scales.steps[layer.name], *self.scales.range_of(layer))

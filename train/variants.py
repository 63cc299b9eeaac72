"""Hidden layers beyond the papers: a threshold instead of a search, signs that are learned as well.

Both are options of :class:`train.config.ModelConfig`; docs/training.md says what they are worth.
"""

import torch
from torch import Tensor, nn

from train.edge_popup import FlippedSign
from train.layers import HiddenConv

__all__ = ["SignedConv", "ThresholdConv"]


class ThresholdConv(HiddenConv):
    """Keeps weight ``i`` if ``|s_i| > (1 - density) * bound``, where initial scores are U(+-bound).

    So ``density`` holds in the mean before the first step, and drifts from there. Nothing is sorted or searched.
    """

    def mask(self) -> Tensor:
        """Supermask of the present scores: bool tensor, OHWI."""
        return self.scores.detach().abs() > (1 - self.density) * self.bound


class SignedConv(HiddenConv):
    """Two scores per weight: ``weight = mask(|s|) * sign(f) * w``, with ``sign(0) = 1``.

    Straight-through, ``dL/df = mask * w * dL/dw_eff``. No sign is flipped at first.

    Members
    -------
    flips : parameter, float32, OHWI
        f, at first U(0, bound).
    """

    own_signs = True

    def __init__(self, layer, window, norms, bias, *, generator: torch.Generator, **more):
        super().__init__(layer, window, norms, bias, generator=generator, **more)
        self.flips = nn.Parameter(torch.rand(layer.shape, generator=generator) * self.bound)

    def signed_weight(self) -> Tensor:
        """Frozen weight with the learned flips, OHWI. Differentiable by the flips."""
        return self.weight * FlippedSign.apply(self.flips)

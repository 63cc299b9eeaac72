"""A hidden layer: frozen random signs, a learned 1-bit supermask, one batch norm per iteration.

Ref: Ramanujan et al., CVPR 2020 (edge-popup); Hidden-Fold Networks (IEEE Access 2023), section III.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.lfsr import signs
from spec.network import Layer
from spec.supermask import GROUP, Mode, select

__all__ = ["EdgePopup", "HiddenConv", "signed_constant"]


def signed_constant(layer: Layer, density: float) -> float:
    """Magnitude of every frozen weight: ``sigma = sqrt(2 / (fan_in * density))``.

    It keeps the variance of the masked layer's output at that of its input (HFN eq. 9 and 10). Mode ``1of4`` keeps a
    quarter, whatever ``density`` is.
    """
    kept = 1 / GROUP if layer.mode is Mode.ONE_OF_FOUR else density
    return math.sqrt(2 / (layer.weights // layer.outputs * kept))


class EdgePopup(torch.autograd.Function):
    """``w_eff = mask * w``; backward ``dL/ds = sign(s) * w * dL/dw_eff``, for pruned weights too.

    ``mask`` is selected by ``|s|``; its gradient by ``|s|`` is taken to be 1 (straight-through).
    """

    @staticmethod
    def forward(ctx, scores: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(scores, weight)
        return weight * mask

    @staticmethod
    def backward(ctx, gradient: Tensor):
        scores, weight = ctx.saved_tensors
        return scores.sign() * weight * gradient, None, None


class HiddenConv(nn.Module):
    """Masked convolution, then the batch norm of the iteration (unshared batch norm, UBN).

    ``y = BN_t(conv(x, mask(|s|) * sign * sigma))``. The effective weight is not made by ``forward`` but handed to it:
    :meth:`effective_weight` runs once per training step, ``forward`` once per iteration.

    Parameters
    ----------
    layer : Layer
    seed : int
        Start state of the layer's signs (:meth:`spec.network.Network.seed_of`).
    density : float
        Kept fraction.
    kernel, stride, pad : int
        Of the convolution; they differ from ``layer``'s in the stem only, where ``layer`` sees prepared channels.
    norms : int
        Batch norms: one per iteration, none for the classifier.
    affine : bool
        Whether the batch norms learn gamma and beta.
    generator : torch.Generator
        Draws the initial scores, U(+-sqrt(6 / fan_in)) (HFN eq. 11).

    Members
    -------
    scores : parameter, float32, OHWI
    weight : buffer, float32, OHWI, +-sigma
        Derived from the seed, hence not in the state dict.
    """

    def __init__(self, layer: Layer, *, seed: int, density: float, kernel: int, stride: int, pad: int,
                 norms: int, affine: bool, generator: torch.Generator):
        super().__init__()
        self.mode = layer.mode
        self.density = density
        self.kernel = kernel
        self.stride = stride
        self.pad = pad
        self.sigma = signed_constant(layer, density)
        sign = 1 - 2 * torch.from_numpy(signs(seed, *layer.shape[:2], layer.inputs)).float()
        self.register_buffer("weight", sign * self.sigma, persistent=False)
        bound = math.sqrt(6 / (layer.weights // layer.outputs))
        self.scores = nn.Parameter((2 * torch.rand(layer.shape, generator=generator) - 1) * bound)
        self.norms = nn.ModuleList(nn.BatchNorm2d(layer.outputs, affine=affine) for _ in range(norms))

    def mask(self) -> np.ndarray:
        """Supermask of the present scores by :func:`spec.supermask.select`: bool array, OHWI."""
        return select(self.scores.detach().cpu().numpy(), self.mode, self.density)

    def effective_weight(self) -> Tensor:
        """Masked weight as torch convolves it: (M, C, K, K). Differentiable by the scores."""
        mask = torch.from_numpy(self.mask()).to(self.weight.device)
        masked = EdgePopup.apply(self.scores, self.weight, mask)
        # The stem's prepared channels n = (ky*K + kx)*C + c are its taps; elsewhere this changes nothing.
        return masked.view(len(masked), self.kernel, self.kernel, -1).permute(0, 3, 1, 2)

    def forward(self, x: Tensor, weight: Tensor, iteration: int) -> Tensor:
        """Output (B, M, OH, OW) of ``iteration`` on ``x`` (B, C, H, W) with ``weight`` of :meth:`effective_weight`."""
        y = functional.conv2d(x, weight, stride=self.stride, padding=self.pad)
        return self.norms[iteration](y) if len(self.norms) else y

"""Convolutions with a batch norm per iteration: hidden (a mask over frozen weights) or dense (learned weights).

The effective weight is not made by ``forward`` but handed to it: ``effective_weight`` runs once per training step,
``forward`` once per iteration. Gradients of the iterations add up in it, as autograd gives them.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III; edge-popup: Ramanujan et al., CVPR 2020.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spec.layer import Layer, Window
from spec.supermask import Mode, keep_count
from train.nets.edge_popup import select
from train.nets.weights import Weights, initial_weight, sigma_of

__all__ = ["BorrowingConv", "Convolution", "DenseConv", "EdgePopup", "HiddenConv"]


class Convolution(nn.Module):
    """``y = norm_t(conv(x, weight) + bias)``; what ``weight`` is, subclasses say.

    Parameters
    ----------
    window : Window
        Kernel, stride and pad; they differ from the layer's in the stem only, where the layer sees prepared channels.
    norms : ModuleList
        Of :func:`train.nets.norms.norms`; none for the classifier.
    bias : int
        Output channels that learn a bias, from 0: all of them or none.

    Members
    -------
    own_signs : bool
        Whether the signs are others than the accelerator's generator gives, so that they must be stored; set by who
        replaces the weight of a hidden layer.
    levels : int array (C,) or None
        Magnitudes of the weights by input channel of the window, in units of sigma, if they are stored and not all 1.
    surround : float tensor (C,) or None
        What is around the input, channel by channel, if it is not 0. Silicon knows 0 only.
    """

    own_signs = False
    levels: np.ndarray | None = None
    surround: Tensor | None = None

    def __init__(self, window: Window, norms: nn.ModuleList, bias: int):
        super().__init__()
        self.window = window
        self.norms = norms
        self.bias = nn.Parameter(torch.zeros(bias)) if bias else None

    def effective_weight(self) -> Tensor:
        """Weight as torch convolves it: (M, C, K, K). Differentiable by what the layer learns."""
        raise NotImplementedError

    def forward(self, x: Tensor, weight: Tensor, iteration: int) -> Tensor:
        """Output (B, M, OH, OW) of ``iteration`` on ``x`` (B, C, H, W) with ``weight`` of :meth:`effective_weight`."""
        kernel, stride, pad = self.window
        if self.surround is not None:
            around = self.surround.to(x)[:, None, None]
            x, pad = functional.pad(x - around, (pad,) * 4) + around, 0
        if kernel == 1 and stride > 1 and not pad:
            # The same sums of the pixels it looks at. Backward through the stride, oneDNN writes past its memory where
            # channels are few (uxlfoundation/oneDNN#6035): wrong gradients or a segmentation fault.
            x, stride = x[:, :, ::stride, ::stride], 1
        y = functional.conv2d(x, weight, self.bias, stride, pad)
        return self.norm_of(iteration)(y) if len(self.norms) else y

    def norm_of(self, iteration: int) -> nn.Module:
        """The norm of ``iteration``: its own, or the last one if there are fewer."""
        return self.norms[min(iteration, len(self.norms) - 1)]

    def as_convolved(self, weight: Tensor) -> Tensor:
        """``weight`` OHWI as (M, C, K, K).

        The stem's prepared channels ``n = (ky*K + kx)*C + c`` are its taps; elsewhere the first step changes nothing.
        """
        kernel = self.window.kernel
        return weight.view(len(weight), kernel, kernel, -1).permute(0, 3, 1, 2)


class BorrowingConv(Convolution):
    """A convolution that uses the weights of another one: it has norms, and perhaps a bias, of its own
    (:attr:`spec.layer.Layer.owner`).
    """


class EdgePopup(torch.autograd.Function):
    """``w_eff = mask * w``; backward ``dL/ds = sign(s) * w * dL/dw_eff``, for pruned weights too.

    ``mask`` is selected by ``|s|``; its gradient by ``|s|`` is taken to be 1 (straight-through).
    """

    @staticmethod
    def forward(ctx, scores: Tensor, weight: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(scores, weight)
        return weight * mask.view(torch.uint8)  # Torch multiplies by bytes in half the time it takes by booleans.

    @staticmethod
    def backward(ctx, gradient: Tensor):
        scores, weight = ctx.saved_tensors
        return scores.sign().mul_(weight).mul_(gradient), None, None


class HiddenConv(Convolution):
    """Frozen random weights under a learned mask: ``weight = mask(|s|) * w``.

    Parameters
    ----------
    layer : Layer
    kind : Weights
    seed : int
        All frozen weights come from it (:meth:`spec.network.Network.seed_of`).
    density : float
        Kept fraction.
    generator : torch.Generator
        Draws the initial scores, U(+-sqrt(6 / fan_in)) (eq. 11).
    window, norms, bias
        As :class:`Convolution` takes them.

    Members
    -------
    count : int
        Kept weights by ``density``, where the mode allows so many.
    scores : parameter, float32, OHWI
    weight : buffer, float32, OHWI
        Derived from the seed, hence not in the state dict.
    """

    def __init__(self, layer: Layer, window: Window, norms: nn.ModuleList, bias: int, *, kind: Weights, seed: int,
                 density: float, generator: torch.Generator):
        super().__init__(window, norms, bias)
        self.mode: Mode = layer.mode
        self.count = keep_count(layer.weight_count, density)
        self.sigma = sigma_of(layer, density)
        self.register_buffer("weight", initial_weight(kind, layer, self.sigma, seed), persistent=False)
        bound = math.sqrt(6 / (layer.weight_count // layer.outputs))
        self.scores = nn.Parameter((2 * torch.rand(layer.shape, generator=generator) - 1) * bound)

    def mask(self) -> Tensor:
        """Supermask of the present scores: bool tensor, OHWI."""
        return select(self.scores, self.mode, self.count)

    def trits(self) -> np.ndarray:
        """``mask x sign`` of the present scores: int8 array, OHWI."""
        return (self.weight.sign() * self.mask()).cpu().numpy().astype(np.int8)

    def stored(self) -> np.ndarray:
        """:meth:`trits`, times ``levels`` if there are any: int8 array, OHWI."""
        trits = self.trits()
        if self.levels is None:
            return trits
        return (trits.reshape(len(trits), -1, len(self.levels)) * self.levels).astype(np.int8).reshape(trits.shape)

    def effective_weight(self) -> Tensor:
        """Masked weight as torch convolves it: (M, C, K, K). Differentiable by the scores."""
        return self.as_convolved(EdgePopup.apply(self.scores, self.weight, self.mask()))


class DenseConv(Convolution):
    """Learned weights, started as a hidden layer's frozen ones are.

    Members
    -------
    weight : parameter, float32, OHWI
    """

    def __init__(self, layer: Layer, window: Window, norms: nn.ModuleList, bias: int, *, kind: Weights, seed: int):
        super().__init__(window, norms, bias)
        sigma = math.sqrt(2 / (layer.weight_count // layer.outputs))
        self.weight = nn.Parameter(initial_weight(kind, layer, sigma, seed))

    def effective_weight(self) -> Tensor:
        """The weight as torch convolves it: (M, C, K, K)."""
        return self.as_convolved(self.weight)

"""Weights before training: of a hidden layer for good, of a dense layer as a start.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III-C.
"""

import enum
import math

import torch
from torch import Tensor

from spec.layer import Layer
from spec.lfsr import sign_factors
from spec.supermask import GROUP, Mode

__all__ = ["Weights", "initial_weight", "sigma_of"]


class Weights(enum.StrEnum):
    """Where weights come from."""

    LFSR = "lfsr"  #: +-sigma, signs from the generator the accelerator has. The only ones that can be exported.
    SIGNED = "signed"  #: +-sigma, signs drawn independently: the paper's signed Kaiming constant (SC, eq. 10).
    NORMAL = "normal"  #: Normal with deviation sigma: the paper's Kaiming normal (KN, eq. 8).


def sigma_of(layer: Layer, density: float) -> float:
    """Magnitude of the weights: ``sigma = sqrt(2 / (fan_in * kept))`` (eq. 9).

    It keeps the variance of the layer's output at that of its input. ``kept`` is the fraction that the mask keeps:
    ``density`` (1 without a mask) or what the layer's mode allows if that is less; a quarter in mode ``1of4``.
    """
    allowed = layer.mode.most / GROUP
    kept = allowed if layer.mode is Mode.ONE_OF_FOUR else min(density, allowed)
    return math.sqrt(2 / (layer.weight_count // layer.outputs * kept))


def initial_weight(kind: Weights, layer: Layer, sigma: float, seed: int) -> Tensor:
    """Weights of ``layer``, a function of ``seed`` alone: float32, OHWI."""
    if kind is Weights.LFSR:
        return torch.from_numpy(sign_factors(seed, *layer.shape[:2], layer.inputs)).float() * sigma
    generator = torch.Generator().manual_seed(seed)
    if kind is Weights.SIGNED:
        return (1 - 2 * torch.randint(0, 2, layer.shape, generator=generator).float()) * sigma
    return torch.randn(layer.shape, generator=generator) * sigma

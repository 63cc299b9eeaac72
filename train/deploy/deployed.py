"""The deployed network in torch: the integers the accelerator computes, by torch's convolutions.

It shares with ``spec.golden`` the model and the function object :func:`spec.numerics.requantize`, not the convolutions
and not the walk through the network, so that their agreement on every stored activation says something.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from spec.golden import Stored, Trace, check_images
from spec.layer import POOL, Layer, Role, Scale
from spec.model import Model
from spec.network import Head
from spec.numerics import requantize
from spec.steps import Step

__all__ = ["DeployedNet"]


def _ignore(step: Step, values: Tensor) -> None:
    """Look away."""


class DeployedNet:
    """Integer network of ``model``, ready to run.

    Every activation is an integer-valued float64 tensor (B, C, H, W); sums of such stay exact below 2**53, so the bits
    do not depend on the device.

    Parameters
    ----------
    model : Model
    device : torch.device
        What computes; by default a GPU where there is one.
    """

    def __init__(self, model: Model, device: torch.device | None = None):
        self.model = model
        self.device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        own = {layer.name: self._kernel(layer) for layer in model.network.own_layers}
        self.kernels = {layer.name: own[layer.tensor] for layer in model.network.layers}
        self.entries = {
            name: tuple(torch.tensor(part, device=self.device) for part in (numbers.multiplier, numbers.bias))
            for name, numbers in model.requantizations.items()
        }

    def _kernel(self, layer: Layer) -> Tensor:
        """Weights of ``layer`` as torch convolves them, float64 (M, C, K, K); the stem's as the KxK window they are."""
        kernel = self.model.network.stem.kernel if layer.role is Role.STEM else layer.kernel
        weights = torch.tensor(self.model.weights(layer.name), dtype=torch.float64)
        return weights.reshape(layer.outputs, kernel, kernel, -1).permute(0, 3, 1, 2).to(self.device)

    def run(self, images: np.ndarray) -> Trace:
        """Every stored activation and the int32 logits, or the int8 maps, of uint8 ``images`` (B, H, W, C).

        Raises
        ------
        Refused
            If the images have another size or type.
        """
        stored: list[Stored] = []

        def note(step: Step, values: Tensor) -> None:
            kind = torch.int8 if step.layer.role.signed else torch.uint8
            stored.append(Stored(step.layer, step.iteration, values.to(kind).cpu().numpy()))

        logits = self.logits(images, note)
        return Trace(tuple(stored), logits)

    @torch.no_grad()
    def logits(self, images: np.ndarray, note: Callable[[Step, Tensor], None] = _ignore) -> np.ndarray:
        """The int32 logits, or the int8 maps, alone; ``note`` sees what every step but the last stores, int64
        (B, H, W, M).
        """
        check_images(self.model, images)
        network = self.model.network
        pixels = torch.tensor(images, device=self.device)
        stream = residual = branch = pixels.permute(0, 3, 1, 2).double()  # (B, C, H, W)
        kept = []
        scales = {block.name: block.scale for block in network.blocks}
        for number, step in enumerate(network.steps[:-1]):
            layer = step.layer
            if number == 0 or network.steps[number - 1].layer.block != layer.block:  # a block begins
                scale = scales.get(layer.block, Scale.SAME)
                if scale.keeps:
                    kept.append(stream)
                if scale.takes:
                    branch = kept.pop()
                if scale is Scale.UP:
                    size = branch.shape[2:]
                    residual = functional.interpolate(stream, scale_factor=2)[:, :, : size[0], : size[1]]
            if layer.role is Role.POOL:
                values = _channels_last(functional.max_pool2d(stream, *POOL))
            elif layer.role is Role.SHORTCUT:
                values = self._execute(step, stream, None)
            else:
                values = self._execute(step, branch, residual if layer.role is Role.LAST else None)
            note(step, values)
            y = values.permute(0, 3, 1, 2).double()
            if layer.role is Role.SHORTCUT:
                residual = y
            elif layer.role is Role.INNER:
                branch = y
            else:
                stream = residual = branch = y  # The identity, until a shortcut replaces it; the next branch's start.
        if network.head is Head.MAPS:
            return self._execute(network.steps[-1], stream, None).cpu().numpy().astype(np.int8)
        pooled = stream.sum((2, 3), keepdim=True)  # (B, N, 1, 1)
        logits = functional.conv2d(pooled, self.kernels[network.layers[-1].name])
        return _channels_last(logits).flatten(1).cpu().numpy().astype(np.int32)

    def _execute(self, step: Step, x: Tensor, residual: Tensor | None) -> Tensor:
        """What ``step`` stores of ``x`` (B, C, H, W): int64 (B, OH, OW, M)."""
        layer = step.layer
        window = self.model.network.stem if layer.role is Role.STEM else layer
        numbers = self.model.requantizations[layer.name]
        multiplier, bias = (entries[step.iteration] for entries in self.entries[layer.name])
        acc = functional.conv2d(x, self.kernels[layer.name], stride=window.stride, padding=window.pad)
        return requantize(
            _channels_last(acc), multiplier, bias, 0 if residual is None else _channels_last(residual),
            shift=numbers.shift, bias_shift=numbers.bias_shift, residual_shift=numbers.residual_shift,
            signed=numbers.signed, bits=numbers.bits,
        )

    def accuracy(self, images: np.ndarray, labels: np.ndarray, batch: int = 64) -> float:
        """Fraction of ``images`` whose predicted class is their label."""
        starts = range(0, len(images), batch)
        guesses = np.concatenate([self.logits(images[start : start + batch]).argmax(axis=1) for start in starts])
        return float((guesses == labels).mean())


def _channels_last(x: Tensor) -> Tensor:
    """(B, C, H, W) float64 as (B, H, W, C) int64, the form the spec's arithmetic takes. Some convolutions of a GPU are
    off by less than a rounding.
    """
    return x.permute(0, 2, 3, 1).round().long()

"""Models nobody trained: random supermasks, batch norms calibrated on random images.

They exercise hardware as trained models do (no activation map is dead or saturated) for any network, in a second.
"""

import numpy as np

from spec.lfsr import signs
from spec.model import Model
from spec.network import Network, Role
from spec.numerics import accumulate, accumulator_bounds, fold, output_range, prepare
from spec.supermask import select

__all__ = ["random_images", "synthetic_model"]


def random_images(network: Network, count: int, seed: int) -> np.ndarray:
    """``count`` uint8 images of the network's size: (count, H, W, C)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *network.image), dtype=np.uint8)


def synthetic_model(network: Network, seed: int, calibration_images: int = 4) -> Model:
    """Model of ``network`` with random masks and random batch norms, reproducible from ``seed``.

    Every layer's accumulators over a few random images are normalised to a random mean and spread per channel and
    iteration, then folded like those of a trained network.
    """
    rng = np.random.default_rng(seed)
    masks, trits, requantizations = {}, {}, {}
    for layer in network.layers:
        masks[layer.name] = select(rng.standard_normal(layer.shape), layer.mode, network.density)
        sign = 1 - 2 * signs(network.seed_of(layer), layer.outputs, layer.kernel, layer.inputs).astype(np.int8)
        trits[layer.name] = sign * masks[layer.name]

    def execute(layer, inputs, residual=0, residual_signed=False):
        acc = accumulate(inputs, trits[layer.name], layer.stride, layer.pad)
        signed = layer.role is Role.SHORTCUT
        adds = layer.role is Role.LAST
        shape = (layer.iterations, layer.outputs)
        spread = np.maximum(acc.std(axis=(0, 1, 2)), 1.0)
        gain = rng.uniform(0.5, 1.5, shape) * (40 if signed else 70) / spread
        centre = rng.normal(-30 if adds else 50 * (not signed), 40, shape)
        numbers = fold(
            gain, centre - gain * acc.mean(axis=(0, 1, 2)), *accumulator_bounds(trits[layer.name]), where=layer.name,
            residual_range=output_range(residual_signed) if adds else (0, 0), residual_shift=int(residual_signed),
            signed=signed,
        )
        requantizations[layer.name] = numbers
        return acc, numbers

    stem = network.stem
    images = random_images(network, calibration_images, seed)
    acc, numbers = execute(network.layers[0], prepare(images, stem.kernel, stem.stride, stem.pad))
    stream = numbers.apply(acc, 0)
    for block in network.blocks:
        layers = {layer.role: layer for layer in network.block_layers(block)}
        residual, projected = stream, Role.SHORTCUT in layers
        if projected:
            acc, numbers = execute(layers[Role.SHORTCUT], stream)
            residual = numbers.apply(acc, 0)
        acc, numbers = execute(layers[Role.INNER], stream)
        acc, numbers = execute(layers[Role.LAST], numbers.apply(acc, 0), residual, projected)
        stream = numbers.apply(acc, 0, residual)
    provenance = {"recipe": "synthetic", "seed": seed}
    return Model(network, masks, requantizations, provenance)

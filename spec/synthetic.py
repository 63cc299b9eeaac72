"""Models nobody trained: random supermasks and rings, batch norms calibrated on random images.

They exercise hardware as trained models do (no activation map is dead or saturated) for any network, in a second.
"""

import numpy as np

from spec import ring as ring_weights
from spec.layer import POOL, Role
from spec.lfsr import sign_factors
from spec.model import Model
from spec.network import Network
from spec.numerics import (
    ACTIVATION_BITS,
    PIXEL_MAX,
    Requantization,
    accumulate,
    accumulator_bounds,
    fold,
    max_pool,
    output_range,
    prepare,
    upsample,
)
from spec.steps import Outputs, Step
from spec.supermask import select

__all__ = ["random_images", "synthetic_model"]


def random_images(network: Network, count: int, seed: int) -> np.ndarray:
    """``count`` uint8 images of the network's size: (count, H, W, C)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *network.image), dtype=np.uint8)


def synthetic_model(
    network: Network, seed: int, calibration_images: int = 4, bits: int = ACTIVATION_BITS
) -> Model:
    """Model of ``network`` with random masks, rings and batch norms, reproducible from ``seed``.
    Every layer's accumulators over a few random images are normalised to a random mean and spread per channel and
    iteration, then folded like those of a trained network. Where a residual is added, the sum gets the random mean.
    Stored activations have ``bits`` bits.
    """
    rng = np.random.default_rng(seed)
    masks, rings, weights = {}, {}, {}
    for ring in network.rings:
        most = ring_weights.limit(ring.planes)
        rings[ring.name] = rng.integers(-most, most + 1, ring.size, dtype=np.int8)
        for layer in map(network.layer, ring.layers):
            draw, key = network.draws[layer.name], network.seed_of(layer)
            weights[layer.name] = ring_weights.unpack(rings[ring.name], layer.shape, draw, key)
    for layer in network.own_layers:
        if layer.ring is not None:
            continue
        masks[layer.name] = select(rng.standard_normal(layer.shape), layer.mode, network.density)
        factors = sign_factors(network.seed_of(layer), layer.outputs, layer.kernel, layer.inputs)
        weights[layer.name] = factors * masks[layer.name]
    gains: dict[str, list] = {layer.name: [] for layer in network.layers}
    offsets: dict[str, list] = {layer.name: [] for layer in network.layers}

    unit = 2.0 ** (bits - ACTIVATION_BITS)  # Spreads below are for whole bytes.

    projected = {layer.name for layer in network.layers if network.adds_projection(layer)}

    def execute(step: Step, inputs: np.ndarray, residual: np.ndarray | None) -> np.ndarray:
        """What the step stores, but for the rounding of its entries."""
        layer = step.layer
        if layer.role is Role.POOL:
            return max_pool(inputs, *POOL)
        acc = accumulate(inputs, weights[layer.tensor], layer.stride, layer.pad)
        signed = layer.role.signed
        if step.upsampled:
            residual = upsample(residual, layer.out_height, layer.out_width)
        added = np.zeros((1, 1, 1, 1), np.int64) if residual is None else residual << int(layer.name in projected)
        gain = rng.uniform(0.5, 1.5, layer.outputs) * (40 if signed else 70) * unit
        gain /= np.maximum(acc.std(axis=(0, 1, 2)), 1.0)
        centre = unit * rng.normal(0 if signed else 50, 40, layer.outputs) - np.mean(added, axis=(0, 1, 2))
        offset = centre - gain * acc.mean(axis=(0, 1, 2))
        gains[layer.name].append(gain)
        offsets[layer.name].append(offset)
        return np.floor(acc * gain + offset + added + 0.5).clip(*output_range(signed, bits)).astype(np.int64)

    stem = network.stem
    images = random_images(network, calibration_images, seed)
    outputs = Outputs(network.steps, prepare(images, stem.kernel, stem.stride, stem.pad))
    for step in network.steps[: len(network.steps) - (not network.head.stored)]:
        outputs.put(execute(step, *outputs.take()))
    requantizations = _folded(network, weights, gains, offsets, bits)
    return Model(network, masks, requantizations, {"recipe": "synthetic", "seed": seed}, rings)


def _folded(network: Network, weights: dict, gains: dict, offsets: dict, bits: int) -> dict[str, Requantization]:
    """Entries by layer; shifts are those of all layers with the same weights together."""
    high, found = output_range(signed=False, bits=bits)[1], {}
    for name, users in network.users.items():
        layer = users[0]
        if layer.role is Role.CLASSIFIER:
            continue
        projected = network.adds_projection(layer)
        together = fold(
            *(np.concatenate([part[user.name] for user in users]) for part in (gains, offsets)),
            *accumulator_bounds(weights[name], largest=PIXEL_MAX if layer.role is Role.STEM else high),
            where=name,
            residual_range=output_range(projected, bits) if name in network.added else (0, 0),
            residual_shift=int(projected), signed=layer.role.signed, bits=bits, z_bits=layer.widths.z,
        )
        parts = together.split([user.iterations for user in users])
        found |= {user.name: part for user, part in zip(users, parts, strict=True)}
    return found

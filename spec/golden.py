"""The golden model: every activation the hardware stores, and the logits, in exact integers.

It is the yardstick: the deployed torch model and the RTL must agree with it on every value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spec.model import Model
from spec.network import POOL, Layer, Role
from spec.numerics import accumulate, max_pool, prepare
from spec.refusal import Refused

__all__ = ["Stored", "Trace", "check_images", "predict", "run"]


@dataclass(frozen=True)
class Stored:
    """One stored tensor: the output of ``layer`` (the max pool included) in ``iteration``.

    ``values`` is (B, OH, OW, M), uint8, or int8 for a projection shortcut.
    """

    layer: Layer
    iteration: int
    values: np.ndarray


@dataclass(frozen=True)
class Trace:
    """Everything a batch of images leaves behind: stored tensors in order, then int32 logits (B, classes)."""

    stored: tuple[Stored, ...]
    logits: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Predicted classes (B,): the largest logit, the lowest index on a tie."""
        return self.logits.argmax(axis=1)


def check_images(model: Model, images: np.ndarray) -> None:
    """Refuse ``images`` unless they are uint8 (B, H, W, C) of the network's size."""
    height, width, channels = model.network.image
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != (height, width, channels):
        raise Refused(
            f"Images for network {model.network.name!r} must be uint8 (count, {height}, {width}, {channels}), "
            f"not {images.dtype} {images.shape}"
        )


def run(model: Model, images: np.ndarray) -> Trace:
    """Run a batch through the deployed network.

    Parameters
    ----------
    images : uint8 array (B, H, W, C)
        Raw pixels, scale 1/255, zero-point 0.

    Raises
    ------
    Refused
        If the images have another size or type.
    """
    check_images(model, images)
    network = model.network
    stem = network.stem
    stored: list[Stored] = []

    def execute(layer: Layer, iteration: int, inputs: np.ndarray, residual=0) -> np.ndarray:
        acc = accumulate(inputs, model.trits(layer.name), layer.stride, layer.pad)
        values = model.requantizations[layer.name].apply(acc, iteration, residual)
        return store(layer, iteration, values.astype(np.int8 if layer.role is Role.SHORTCUT else np.uint8))

    def store(layer: Layer, iteration: int, values: np.ndarray) -> np.ndarray:
        stored.append(Stored(layer, iteration, values))
        return values

    stream = execute(network.layers[0], 0, prepare(images, stem.kernel, stem.stride, stem.pad))
    if network.pool:
        stream = store(network.pool, 0, max_pool(stream, *POOL))
    for block in network.blocks:
        layers = network.block_layers(block)
        for t in range(block.iterations):
            residual = branch = stream
            for layer in layers:
                if layer.role is Role.SHORTCUT:
                    residual = execute(layer, t, stream)
                elif layer.role is Role.INNER:
                    branch = execute(layer, t, branch)
                else:
                    stream = execute(layer, t, branch, residual.astype(np.int64))
    classifier = network.layers[-1]
    logits = accumulate(stream, model.trits(classifier.name), 1, 0).sum(axis=(1, 2))
    return Trace(tuple(stored), logits.astype(np.int32))


def predict(model: Model, images: np.ndarray, batch: int = 64) -> Iterator[np.ndarray]:
    """Logits of ``images`` in chunks of ``batch``, so that any number of images fits in memory."""
    for start in range(0, len(images), batch):
        yield run(model, images[start : start + batch]).logits

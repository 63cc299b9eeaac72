"""The golden model: every activation the hardware stores, and the logits, in exact integers.

It is the yardstick: the deployed torch model and the RTL must agree with it on every value.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spec.layer import POOL, Layer, Role
from spec.model import Model
from spec.numerics import accumulate, max_pool, prepare, upsample
from spec.refusal import Refused
from spec.steps import Outputs, Step

__all__ = ["Execution", "Stored", "Trace", "check_images", "executions", "predict", "run"]


@dataclass(frozen=True)
class Stored:
    """One stored tensor: the output of ``layer`` (max pools included) in ``iteration``.

    ``values`` is (B, OH, OW, M), uint8, or int8 if the layer stores signed values (a projection shortcut).
    """

    layer: Layer
    iteration: int
    values: np.ndarray


@dataclass(frozen=True)
class Trace:
    """Everything a batch of images leaves behind: stored tensors in order, then what the head gives: int32 ``logits``
    (B, classes), or int8 maps (B, OH, OW, M).
    """

    stored: tuple[Stored, ...]
    logits: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Predicted classes (B,): the largest logit, the lowest index on a tie; refused where the head is maps."""
        if self.logits.ndim != 2:
            raise Refused("What leaves this network are maps, which predict no class; look for their peaks instead")
        return self.logits.argmax(axis=1)


@dataclass(frozen=True)
class Execution:
    """What one execution of a layer takes and gives.

    ``inputs`` is (B, H, W, N), for the stem prepared; ``residual`` (B, OH, OW, M), as it is added, or None; ``acc`` are
    the accumulators before requantization (B, OH, OW, M), of a classifier summed over positions (B, classes), None for
    a max pool; ``values`` is what is stored, of a classifier the logits.
    """

    layer: Layer
    iteration: int
    inputs: np.ndarray
    residual: np.ndarray | None
    acc: np.ndarray | None
    values: np.ndarray


def check_images(model: Model, images: np.ndarray) -> None:
    """Refuse ``images`` unless they are uint8 (B, H, W, C) of the network's size."""
    height, width, channels = model.network.image
    given = f"{images.dtype} {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (height, width, channels):
        raise Refused(
            f"Images for network {model.network.name!r} must be uint8 (count, {height}, {width}, {channels}), "
            f"not {given}"
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
    # Nothing but the stored values is kept: accumulators are eight times as large.
    *stored, last = (Stored(e.layer, e.iteration, e.values) for e in executions(model, images))
    return Trace(tuple(stored), last.values)


def executions(model: Model, images: np.ndarray) -> Iterator[Execution]:
    """Every execution of every layer on a batch, in order; refuses what :func:`run` refuses."""
    check_images(model, images)
    network, stem = model.network, model.network.stem
    outputs = Outputs(network.steps, prepare(images, stem.kernel, stem.stride, stem.pad))
    for step in network.steps:
        execution = _execute(model, step, *outputs.take())
        outputs.put(execution.values)
        yield execution


def _execute(model: Model, step: Step, inputs: np.ndarray, residual: np.ndarray | None) -> Execution:
    layer, iteration = step.layer, step.iteration
    if layer.role is Role.POOL:
        return Execution(layer, iteration, inputs, None, None, max_pool(inputs, *POOL))
    acc = accumulate(inputs, model.weights(layer.name), layer.stride, layer.pad)
    if layer.role is Role.CLASSIFIER:
        logits = acc.sum(axis=(1, 2))
        return Execution(layer, iteration, inputs, None, logits, logits.astype(np.int32))
    if step.upsampled:
        residual = upsample(residual, layer.out_height, layer.out_width)
    added = 0 if residual is None else residual.astype(np.int64)
    values = model.requantizations[layer.name].apply(acc, iteration, added)
    stored = values.astype(np.int8 if layer.role.signed else np.uint8)
    return Execution(layer, iteration, inputs, residual, acc, stored)


def predict(model: Model, images: np.ndarray, batch: int = 64) -> Iterator[np.ndarray]:
    """Logits of ``images`` in chunks of ``batch``, so that any number of images fits in memory."""
    for start in range(0, len(images), batch):
        yield run(model, images[start : start + batch]).logits

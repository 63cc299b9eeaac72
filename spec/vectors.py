"""Vector files: images with everything a deployed model stores on them, so that two implementations can be compared.

Training writes one from the deployed torch model; ``gen.build`` writes one from the golden model; simulation checks the
hardware against both. Tensors: ``images`` (uint8), ``labels`` (int64, -1 where unknown), ``logits`` (int32), and
``LAYER@ITERATION`` for every stored activation.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from spec.files import write_bytes
from spec.golden import Stored, Trace, check_images
from spec.model import Model
from spec.network import Role
from spec.refusal import Refused

__all__ = ["Vectors", "difference", "load", "save"]


@dataclass(frozen=True)
class Vectors:
    """Images (B, H, W, C), their labels (B,) and the trace of a model on them."""

    images: np.ndarray
    labels: np.ndarray
    trace: Trace

    def first(self, count: int) -> "Vectors":
        """The first ``count`` images only."""
        stored = tuple(Stored(s.layer, s.iteration, s.values[:count]) for s in self.trace.stored)
        return Vectors(self.images[:count], self.labels[:count], Trace(stored, self.trace.logits[:count]))


def save(path: Path, model: Model, vectors: Vectors) -> Path:
    """Write ``vectors`` of ``model`` to ``path`` atomically and return the path."""
    tensors = {"images": vectors.images, "labels": vectors.labels.astype(np.int64), "logits": vectors.trace.logits}
    for stored in vectors.trace.stored:
        tensors[f"{stored.layer.name}@{stored.iteration}"] = np.ascontiguousarray(stored.values)
    return write_bytes(path, safetensors.numpy.save(tensors, {"model": model.hash}))


def load(path: Path, model: Model) -> Vectors:
    """Read the vectors of ``model``.

    Raises
    ------
    Refused
        If the file is absent, damaged, or of another model.
    """
    path = Path(path)
    if not path.is_file():
        raise Refused(f"Vector file {path} does not exist; train.export writes one beside the model")
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            owner = (file.metadata() or {}).get("model")
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except safetensors.SafetensorError as error:
        raise Refused(f"Vector file {path} is damaged or truncated ({error}); export the model again") from None
    if owner != model.hash:
        raise Refused(
            f"Vector file {path} belongs to model {str(owner)[:12]}, not {model.hash[:12]}; export both together"
        )
    try:
        images, labels, logits = tensors["images"], tensors["labels"], tensors["logits"]
        check_images(model, images)
        stored = []
        for step in model.network.steps:
            layer = step.layer
            if layer.role is not Role.CLASSIFIER:
                values = tensors[f"{layer.name}@{step.iteration}"]
                if values.shape != (len(images), layer.out_height, layer.out_width, layer.outputs):
                    raise Refused(f"Vector file {path} has {layer.name}@{step.iteration} of wrong shape {values.shape}")
                stored.append(Stored(layer, step.iteration, values))
    except KeyError as error:
        raise Refused(f"Vector file {path} lacks tensor {error}; export the model again") from None
    return Vectors(images, labels, Trace(tuple(stored), logits))


def difference(expected: Trace, got: Trace) -> str | None:
    """The first value in network order that differs, as a sentence; None if the traces are equal."""
    for want, have in zip(expected.stored, got.stored, strict=True):
        if not np.array_equal(want.values, have.values):
            image, y, x, channel = np.argwhere(want.values != have.values)[0]
            return (
                f"layer {want.layer.name} iteration {want.iteration} image {image} (y {y}, x {x}, channel {channel}): "
                f"expected {want.values[image, y, x, channel]}, got {have.values[image, y, x, channel]}"
            )
    if not np.array_equal(expected.logits, got.logits):
        image, label = np.argwhere(expected.logits != got.logits)[0]
        return f"logits image {image} class {label}: expected {expected.logits[image, label]}, got {got.logits[image, label]}"
    return None

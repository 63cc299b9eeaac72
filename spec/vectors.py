"""Vector files: images with everything a deployed model stores on them, so that two implementations can be compared.

Training writes one from the deployed torch model; ``gen.build`` writes one from the golden model; simulation checks the
hardware against both. Tensors: ``images`` (uint8), ``labels`` (int64, -1 where unknown), ``logits`` (int32) unless the
head is maps, and ``LAYER@ITERATION`` for every stored activation, such maps too. The metadata holds the model's hash
and a SHA-256 of the tensors.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy

from spec.budgets import Budget
from spec.files import read_tensors, write_bytes
from spec.golden import Stored, Trace
from spec.layer import Role
from spec.model import Model, digest
from spec.network import Head
from spec.refusal import Refused

__all__ = ["Vectors", "difference", "load", "save"]


@dataclass(frozen=True)
class Vectors:
    """Images (B, H, W, C), their labels (B,) and the trace of a model on them."""

    images: np.ndarray
    labels: np.ndarray
    trace: Trace

    def count(self, asked: int | None, path: Path, usual: int) -> int:
        """How many images to take of these, which are of the file ``path``: those asked for, or ``usual``, or all of
        fewer.

        Raises
        ------
        Refused
            If more are asked for than there are.
        """
        have = len(self.images)
        if asked is not None and asked > have:
            raise Refused(f"Option --images must be at most {have}, the images in {path}, not {asked}")
        return asked or min(usual, have)

    def first(self, count: int) -> "Vectors":
        """The first ``count`` images only."""
        stored = tuple(Stored(s.layer, s.iteration, s.values[:count]) for s in self.trace.stored)
        return Vectors(self.images[:count], self.labels[:count], Trace(stored, self.trace.logits[:count]))


def save(path: Path, model: Model, vectors: Vectors) -> Path:
    """Write ``vectors`` of ``model`` to ``path`` atomically and return the path."""
    tensors = {"images": vectors.images, "labels": vectors.labels.astype(np.int64)}
    tensors["maps@0" if model.network.head is Head.MAPS else "logits"] = vectors.trace.logits
    for stored in vectors.trace.stored:
        tensors[f"{stored.layer.name}@{stored.iteration}"] = stored.values
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}
    # One key for both hashes, because safetensors writes several keys in no fixed order.
    owner = f"{model.hash} {digest({'model': model.hash}, tensors)}"
    return write_bytes(path, safetensors.numpy.save(tensors, {"model": owner}))


def load(path: Path, model: Model) -> Vectors:
    """Read the vectors of ``model``.

    Raises
    ------
    Refused
        If the file is absent, damaged, or of another model.
    """
    texts, tensors = read_tensors(path, Budget.VECTOR_FILE, "Vector file", "train.export writes one beside the model")
    if set(texts) != {"model"}:
        raise Refused(f"File {path} is a safetensors file but not vectors; train.export writes them beside the model")
    owner, _, said = texts["model"].partition(" ")
    if owner != model.hash:
        raise Refused(f"Vector file {path} belongs to model {owner[:12]}, not {model.hash[:12]}; export both together")
    if said != digest({"model": owner}, tensors):
        raise Refused(f"Vector file {path} does not match its SHA-256: it was altered or damaged; export it again")

    def take(name: str, shape: tuple[int, ...], kind: type) -> np.ndarray:
        if name not in tensors:
            raise Refused(f"Vector file {path} lacks tensor {name!r}; export the model again")
        tensor = tensors.pop(name)
        if tensor.shape != shape or tensor.dtype != kind:
            raise Refused(
                f"Vector file {path} has {name} as {tensor.dtype} {tensor.shape}, not {np.dtype(kind)} {shape}; "
                "export the model again"
            )
        return tensor

    count = len(np.atleast_1d(tensors.get("images", ())))
    images = take("images", (count, *model.network.image), np.uint8)
    labels = take("labels", (count,), np.int64)
    stored = []
    for step in model.network.steps:
        layer = step.layer
        if layer.role is not Role.CLASSIFIER:
            shape = (count, layer.out_height, layer.out_width, layer.outputs)
            kind = np.int8 if layer.role.signed else np.uint8
            stored.append(Stored(layer, step.iteration, take(f"{layer.name}@{step.iteration}", shape, kind)))
    maps = model.network.head is Head.MAPS
    logits = stored.pop().values if maps else take("logits", (count, model.network.classes), np.int32)
    if tensors:
        raise Refused(f"Vector file {path} has unknown tensor {min(tensors)!r}; export the model again")
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
        image, *place = np.argwhere(expected.logits != got.logits)[0].tolist()
        want, have = (trace.logits[(image, *place)] for trace in (expected, got))
        if len(place) > 1:
            return f"maps image {image} (y {place[0]}, x {place[1]}, map {place[2]}): expected {want}, got {have}"
        return f"logits image {image} class {place[0]}: expected {want}, got {have}"
    return None

"""The images that a model is run on, and what they must give."""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from console.command import Whole
from spec import golden, vectors
from spec.model import Model
from spec.refusal import Refused
from spec.synthetic import random_images

__all__ = ["Subject", "add_subject_options", "subject_of"]


@dataclass(frozen=True)
class Subject:
    """Images, their labels, and the traces they are compared with, by name of the reference."""

    images: np.ndarray
    labels: np.ndarray
    traces: dict[str, golden.Trace]


def subject_of(model: Model, path: Path | None, default: Path, count: int, seed: int) -> Subject:
    """The first ``count`` images of the vector file, or random images where there is none."""
    if path is None and not default.is_file():
        images, labels, traces = random_images(model.network, count, seed), np.full(count, -1), {}
    else:
        found = vectors.load(path or default, model).first(count)
        images, labels, traces = found.images, found.labels, {"torch": found.trace}
    if not len(images):
        raise Refused(f"There are no images to run: {count} asked for")
    return Subject(images, labels, {"golden model": golden.run(model, images)} | traces)


def add_subject_options(parser: argparse.ArgumentParser, images: int) -> None:
    """The model and the images to run, ``images`` of them by default, for :func:`subject_of`."""
    parser.add_argument("model", help="model file (.safetensors)")
    parser.add_argument("--images", type=Whole(1), default=images, help=f"images to run (default {images})")
    parser.add_argument(
        "--vectors", type=Path,
        help="vector file (default: NAME.vectors.safetensors beside the model, else random images)",
    )

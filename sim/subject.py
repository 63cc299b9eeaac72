"""The images that a model is run on, and what they must give."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from console.command import Whole
from spec import golden, vectors
from spec.budgets import Budget
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


def subject_of(arguments: argparse.Namespace, model: Model) -> Subject:
    """The images that the options of :func:`add_subject_options` ask for: the first of the vector file, or random ones,
    drawn from ``--seed``, where there is none.

    Raises
    ------
    Refused
        If the vector file holds fewer than were asked for, or random ones would take too much memory.
    """
    beside = Path(arguments.model)
    path = arguments.vectors or beside.with_name(f"{beside.stem}.vectors.safetensors")
    if arguments.vectors is None and not path.is_file():
        count = arguments.images or arguments.usual_images
        Budget.MAP.check(count * math.prod(model.network.image), f"Option --images {count}", "give fewer")
        images, labels, traces = random_images(model.network, count, arguments.seed), np.full(count, -1), {}
    else:
        found = vectors.load(path, model)
        found = found.first(found.count(arguments.images, path, arguments.usual_images))
        images, labels, traces = found.images, found.labels, {"torch": found.trace}
    if not len(images):
        raise Refused(f"Vector file {path} has no images; export the model again")
    return Subject(images, labels, {"golden model": golden.run(model, images)} | traces)


def add_subject_options(parser: argparse.ArgumentParser, images: int) -> None:
    """The model and the images to run, ``images`` of them by default, for :func:`subject_of`."""
    parser.add_argument("model", help="model file (.safetensors)")
    parser.set_defaults(usual_images=images)
    parser.add_argument(
        "--images", type=Whole(1, 1_000_000), help=f"images to run (default {images}, or all of fewer in a vector file)"
    )
    parser.add_argument(
        "--vectors", type=Path,
        help="vector file (default: NAME.vectors.safetensors beside the model, else random images)",
    )

"""Less of a data set, for experiments that should not take long: smaller images, and fewer to train on."""

import dataclasses

import numpy as np

from spec.refusal import Refused
from train.data.dataset import Dataset

__all__ = ["prepared"]


def prepared(dataset: Dataset, shrink: int, images: int) -> Dataset:
    """``dataset`` with squares of ``shrink`` pixels averaged (half up) and its first ``images`` training images.

    Raises
    ------
    Refused
        If the images are smaller than a square, are not in memory, or are fewer than that.
    """
    if not 0 <= images <= len(dataset.train_images):
        raise Refused(f"Option --images must be from 0 to {len(dataset.train_images)}, not {images}")
    if not 1 <= shrink <= min(dataset.image[:2]):
        raise Refused(f"Option --shrink must be from 1 to {min(dataset.image[:2])} for {dataset.name}, not {shrink}")
    if shrink == 1 and not images:
        return dataset
    if not isinstance(dataset.train_images, np.ndarray):
        raise Refused(f"Images of {dataset.name} are decoded from files: give --shrink 1 --images 0")
    count = images or len(dataset.train_images)
    return dataclasses.replace(
        dataset, train_images=_shrunk(dataset.train_images[:count], shrink), train_labels=dataset.train_labels[:count],
        test_images=_shrunk(dataset.test_images, shrink),
    )


def _shrunk(images: np.ndarray, shrink: int) -> np.ndarray:
    count, height, width, channels = images.shape
    height, width = height // shrink, width // shrink
    cut = images[:, : height * shrink, : width * shrink].astype(np.int64)
    sums = cut.reshape(count, height, shrink, width, shrink, channels).sum(axis=(2, 4))
    return ((2 * sums + shrink**2) // (2 * shrink**2)).astype(np.uint8)

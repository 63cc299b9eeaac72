"""What a data set is: raw images and labels, split once and for all."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from spec.budgets import Budget
from spec.names import check_class_names, name_from
from spec.refusal import Refused

__all__ = ["Absent", "Dataset", "Images", "check_memory", "name_of"]


class Absent(Refused):
    """A file or folder of a data set is not there."""


class Images(Protocol):
    """Images by number: an array, or files that are decoded when they are asked for.

    Indexing with a slice or an array of integers gives uint8 (n, H, W, C), raw pixels as the accelerator gets them.
    """

    shape: tuple[int, int, int, int]

    def __len__(self) -> int: ...
    def __getitem__(self, chosen) -> np.ndarray: ...


@dataclass(frozen=True)
class Dataset:
    """Images to train on and images to judge by.

    Parameters
    ----------
    name : str
    train_images, test_images : Images
        The test set is held out: nothing is ever chosen by it.
    train_labels, test_labels : int64 arrays, shape (n,)
    classes : int
    class_names : tuple of str
        What the data itself calls them; empty if nothing.

    Raises
    ------
    Refused
        If there is nothing to train on or to judge by, images are of two sizes or have no pixels, or a name is none
        that prints.
    """

    name: str
    train_images: Images
    train_labels: np.ndarray
    test_images: Images
    test_labels: np.ndarray
    classes: int
    class_names: tuple[str, ...] = ()

    def __post_init__(self):
        check_class_names(self.class_names, f"data set {self.name}")
        for images, purpose in ((self.train_images, "train on"), (self.test_images, "judge by")):
            if not math.prod(images.shape):
                raise Refused(f"Data set {self.name} has no images to {purpose}; get it again")
        if self.image != self.test_images.shape[1:]:
            sizes = ("x".join(map(str, images.shape[1:])) for images in (self.train_images, self.test_images))
            raise Refused(
                f"Images of {self.name} are {' to train on, but '.join(sizes)} to judge by; make them of one size"
            )

    @property
    def image(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.train_images.shape[1:]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of images and labels, so that a run knows the data it was started on.

        Of images in files it covers names and sizes, not pixels.
        """
        digest = hashlib.sha256()
        for part in self._parts():
            digest.update(part)
        return digest.hexdigest()

    def _parts(self) -> Iterator[bytes]:
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            if isinstance(array, np.ndarray):
                yield f"{array.dtype.str} {array.shape}".encode()
                yield np.ascontiguousarray(array).tobytes()
            else:
                yield array.identity

    def with_validation(self, fraction: float, seed: int) -> "Dataset":
        """This set with ``round(fraction * n)`` random training images in the place of the test set.

        For choosing anything: settings, recipes, epochs. The test set stays untouched for the last word.

        Raises
        ------
        Refused
            If either part would be empty, or the training images are not in memory.
        """
        count = round(fraction * len(self.train_images))
        if not 0 < count < len(self.train_images):
            have = len(self.train_images)
            remedy = f"give from {1 / have:.2g} to 0.5" if have > 1 else "get more of them"
            raise Refused(
                f"A validation set of {fraction} of {have} training images leaves one of the two empty; {remedy}"
            )
        order = np.random.default_rng(seed).permutation(len(self.train_images))
        held, kept = np.sort(order[:count]), np.sort(order[count:])
        images, labels = self.train_images, self.train_labels
        if not isinstance(images, np.ndarray):
            held_images, kept_images = images.subset(held), images.subset(kept)
        else:
            held_images, kept_images = images[held], images[kept]
        return replace(
            self, train_images=kept_images, train_labels=labels[kept], test_images=held_images, test_labels=labels[held]
        )

    def prepared(self, shrink: int, images: int) -> "Dataset":
        """Less of it, for what should not take long: squares of ``shrink`` pixels averaged (half up), and the first
        ``images`` training images, or all for 0.

        Raises
        ------
        Refused
            If the images are smaller than a square, are not in memory, or are fewer than that.
        """
        if not 0 <= images <= len(self.train_images):
            raise Refused(f"Option --images must be from 0 to {len(self.train_images)}, not {images}")
        if not 1 <= shrink <= min(self.image[:2]):
            raise Refused(f"Option --shrink must be from 1 to {min(self.image[:2])} for {self.name}, not {shrink}")
        if shrink == 1 and not images:
            return self
        if not isinstance(self.train_images, np.ndarray):
            raise Refused(f"Images of {self.name} are decoded from files: give --shrink 1 --images 0")
        count = images or len(self.train_images)
        return replace(
            self, train_images=_shrunk(self.train_images[:count], shrink), train_labels=self.train_labels[:count],
            test_images=_shrunk(self.test_images, shrink),
        )


def check_memory(what: str, shape: tuple[int, ...]) -> None:
    """Refuse ``what``, if its images, uint8 of ``shape``, would take more memory than there is for them."""
    Budget.IMAGES.check(math.prod(map(int, shape)), what, "make images smaller (--size) or fewer")


def name_of(path: Path) -> str:
    """What the data at ``path`` is called: a name made of its own (:mod:`spec.names`)."""
    return name_from(path.resolve().stem, "images")


def _shrunk(images: np.ndarray, shrink: int) -> np.ndarray:
    count, height, width, channels = images.shape
    height, width = height // shrink, width // shrink
    cut = images[:, : height * shrink, : width * shrink].astype(np.int64)
    sums = cut.reshape(count, height, shrink, width, shrink, channels).sum(axis=(2, 4))
    return ((2 * sums + shrink**2) // (2 * shrink**2)).astype(np.uint8)

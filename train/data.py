"""The images networks are trained and judged on: raw bytes, a fixed split, no downloads."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from spec.numerics import PIXEL_MAX
from spec.refusal import Refused

__all__ = ["DATASETS", "Dataset", "load_dataset"]

DATASETS = ("digits",)

#: One image in this many is held out.
_HELD_OUT_EVERY = 4

#: Largest value of a scikit-learn digit pixel.
_DIGIT_MAX = 16


@dataclass(frozen=True)
class Dataset:
    """Images and labels, split once and for all.

    Parameters
    ----------
    name : str
    train_images, test_images : uint8 arrays, shape (n, H, W, C)
        Raw pixels, as the accelerator receives them. The test set is held out: nothing is ever chosen by it.
    train_labels, test_labels : int64 arrays, shape (n,)
    classes : int
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: int

    @property
    def image(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return self.train_images.shape[1:]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of all four arrays, so that a run knows the data it was started on."""
        digest = hashlib.sha256()
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            digest.update(f"{array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def load_dataset(name: str, data_dir: Path) -> Dataset:
    """Dataset called ``name``; files it needs are looked for in ``data_dir`` (``digits`` needs none).

    Raises
    ------
    Refused
        If there is no such dataset.
    """
    if name not in DATASETS:
        raise Refused(f"Unknown dataset {name!r}; the datasets are {list(DATASETS)}")
    return _digits()


def _digits() -> Dataset:
    """The 1797 8x8 handwritten digits of scikit-learn: 1347 to train on, 450 held out.

    Pixels 0..16 become bytes ``round(v * 255 / 16)``. Images are sorted by label (stable) and every fourth one of that
    order, from the first, is held out: stratified, and no random number is involved. Both sets keep the order in which
    scikit-learn has them, so "the first 32 held-out images" is well defined.

    Ref: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    digits = load_digits()
    images = np.rint(digits.images * (PIXEL_MAX / _DIGIT_MAX)).astype(np.uint8)[..., None]  # (1797, 8, 8, 1)
    labels = digits.target.astype(np.int64)
    held_out = np.zeros(len(labels), bool)
    held_out[np.argsort(labels, kind="stable")[::_HELD_OUT_EVERY]] = True
    return Dataset("digits", images[~held_out], labels[~held_out], images[held_out], labels[held_out], classes=10)

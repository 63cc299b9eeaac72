"""The 8x8 digits that scikit-learn ships."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from spec.numerics import PIXEL_MAX
from train.data.dataset import Dataset

__all__ = ["digits"]

#: In scikit-learn: a line for each image, of 64 pixels and the label.
_FILE = "datasets/data/digits.csv.gz"

#: One image in this many is held out.
_HELD_OUT_EVERY = 4

#: Largest value of a scikit-learn digit pixel.
_DIGIT_MAX = 16


def digits() -> Dataset:
    """The 1797 8x8 handwritten digits of scikit-learn: 1347 to train on, 450 held out.

    Pixels 0..16 become bytes ``round(v * 255 / 16)``. Images are sorted by label (stable) and every fourth one of that
    order, from the first, is held out: stratified, and no random number is involved. Both sets keep the order in which
    scikit-learn has them, so "the first 32 held-out images" is well defined.

    Ref: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    """
    # Its file, not load_digits: to import scikit-learn takes longer than to train on them.
    table = np.loadtxt(Path(find_spec("sklearn").origin).parent / _FILE, delimiter=",")
    images = np.rint(table[:, :-1] * (PIXEL_MAX / _DIGIT_MAX)).astype(np.uint8).reshape(-1, 8, 8, 1)
    labels = table[:, -1].astype(np.int64)
    held_out = np.zeros(len(labels), bool)
    held_out[np.argsort(labels, kind="stable")[::_HELD_OUT_EVERY]] = True
    return Dataset("digits", images[~held_out], labels[~held_out], images[held_out], labels[held_out], classes=10)

"""Digits: bytes by a stated rule, one split for ever."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from train.data import load_dataset


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", Path("nowhere"))


def test_shapes_and_types(digits):
    for images, labels, count in (
        (digits.train_images, digits.train_labels, 1347),
        (digits.test_images, digits.test_labels, 450),
    ):
        assert images.shape == (count, 8, 8, 1)
        assert images.dtype == np.uint8
        assert labels.shape == (count,)
        assert labels.dtype == np.int64
    assert (digits.image, digits.classes) == ((8, 8, 1), 10)


def test_bytes_are_rounded_sixteenths(digits):
    table = np.array([round(v * 255 / 16) for v in range(17)], np.uint8)
    assert table[[0, 8, 16]].tolist() == [0, 128, 255]
    want = table[load_digits().images.astype(int)]
    got = np.concatenate([digits.train_images, digits.test_images])[..., 0]
    assert sorted(image.tobytes() for image in got) == sorted(image.tobytes() for image in want)


def test_held_out_set_is_stratified_and_fixed(digits):
    assert np.bincount(digits.test_labels).tolist() == [45, 45, 45, 45, 46, 45, 45, 45, 44, 45]
    assert digits.test_labels[:16].tolist() == [0, 2, 4, 7, 6, 8, 1, 9, 5, 0, 7, 3, 2, 8, 3, 4]


def test_digest_is_that_of_the_split(digits):
    assert digits.digest == load_dataset("digits", Path("elsewhere")).digest
    assert digits.digest.startswith("cdaa89c1447ea459")

"""Splits of a data set, less of it, and what tells it from another."""

import dataclasses

import numpy as np
import pytest

from spec.refusal import Refused
from train.data import Dataset


@pytest.fixture(scope="module")
def dataset():
    rng = np.random.default_rng(1)
    images = rng.integers(1, 256, (50, 6, 5, 3), dtype=np.uint8)
    labels = np.arange(50)
    return Dataset("t", images, labels, images[:10], labels[:10], 50)


def test_validation_comes_from_the_training_set(dataset):
    split = dataset.with_validation(0.2, seed=5)
    assert (len(split.train_images), len(split.test_images)) == (40, 10)
    assert sorted([*split.train_labels, *split.test_labels]) == list(range(50))
    assert np.array_equal(split.test_images, dataset.train_images[split.test_labels])
    assert split.digest != dataset.digest
    assert split.digest == dataset.with_validation(0.2, seed=5).digest
    assert split.digest != dataset.with_validation(0.2, seed=6).digest
    for fraction in (0, 1, 0.001):
        with pytest.raises(Refused, match=r"A validation set of .* leaves one of the two empty"):
            dataset.with_validation(fraction, seed=1)


def test_every_part_tells_one_set_from_another(dataset):
    assert dataset.image == (6, 5, 3)
    for part in ("train_images", "train_labels", "test_images", "test_labels"):
        changed = getattr(dataset, part).copy()
        changed.flat[0] ^= 1
        assert dataclasses.replace(dataset, **{part: changed}).digest != dataset.digest
    assert dataclasses.replace(dataset, name="other").digest == dataset.digest


def test_shrinking_averages_and_rounds_half_up(digits):
    small = digits.prepared(3, 5)
    assert small.train_images.shape == (5, 2, 2, 1)
    assert small.test_images.shape == (450, 2, 2, 1)
    for i in range(5):
        for y in range(2):
            for x in range(2):
                part = digits.train_images[i, 3 * y : 3 * y + 3, 3 * x : 3 * x + 3, 0].astype(int)
                assert small.train_images[i, y, x, 0] == (2 * part.sum() + 9) // 18
    assert np.array_equal(small.train_labels, digits.train_labels[:5])
    assert small.digest != digits.digest


def test_all_images_as_they_are(digits):
    assert digits.prepared(1, 0) is digits


@pytest.mark.parametrize(("shrink", "images", "words"), [
    (0, 0, "--shrink must be from 1 to 8"), (9, 0, "--shrink must be from 1 to 8"),
    (1, 1348, "--images must be from 0 to 1347"), (1, -1, "--images must be from 0"),
])
def test_impossible_data_are_refused(digits, shrink, images, words):
    with pytest.raises(Refused, match=words):
        digits.prepared(shrink, images)

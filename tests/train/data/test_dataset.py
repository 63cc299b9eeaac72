"""Splits of a data set, less of it, and what tells it from another."""

import dataclasses
import re

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
        with pytest.raises(Refused, match=r"of 50 training images leaves one of the two empty; give from 0.02 to 0.5$"):
            dataset.with_validation(fraction, seed=1)


@pytest.mark.parametrize("count", [2, 3, 7, 40, 41, 49])
def test_a_validation_set_of_the_share_that_a_refusal_names(dataset, count):
    few = dataclasses.replace(
        dataset, train_images=dataset.train_images[:count], train_labels=dataset.train_labels[:count]
    )
    with pytest.raises(Refused) as refusal:
        few.with_validation(1e-9, seed=1)
    least, most = map(float, re.search(r"give from (.*) to (.*)$", str(refusal.value)).groups())
    assert len(few.with_validation(least, seed=1).test_images) == 1
    assert 0 < len(few.with_validation(most, seed=1).train_images) < count


def test_one_image_cannot_be_shared(dataset):
    one = dataclasses.replace(dataset, train_images=dataset.train_images[:1], train_labels=dataset.train_labels[:1])
    with pytest.raises(Refused, match=r"of 1 training images leaves one of the two empty; get more of them$"):
        one.with_validation(0.5, seed=1)


@pytest.mark.parametrize(("changes", "sentence"), [
    ({"train_images": np.zeros((0, 6, 5, 3), np.uint8)}, "Data set t has no images to train on; get it again"),
    ({"test_images": np.zeros((0, 6, 5, 3), np.uint8)}, "Data set t has no images to judge by; get it again"),
    ({"train_images": np.zeros((9, 0, 5, 3), np.uint8)}, "Data set t has no images to train on; get it again"),
    ({"test_images": np.zeros((9, 6, 4, 3), np.uint8)},
     "Images of t are 6x5x3 to train on, but 6x4x3 to judge by; make them of one size"),
    ({"class_names": ("a", "\x1b[31m")},
     r"Class name '\x1b[31m' of data set t must be text that can be printed; rename it"),
    ({"class_names": ("x" * 65,)},
     "Class name 'xxxxxxxxxxxxxxxxxxxx'... of data set t must have at most 64 characters, not 65; rename it"),
    ({"class_names": ("a", "a")}, "Class name 'a' of data set t must be that of one class; rename it"),
])
def test_no_set_is_made_of_what_cannot_be_used(dataset, changes, sentence):
    with pytest.raises(Refused) as refusal:
        dataclasses.replace(dataset, **changes)
    assert str(refusal.value) == sentence


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

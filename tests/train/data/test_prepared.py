"""Less of a data set: averaged squares, the first images, and what is refused."""

import numpy as np
import pytest

from spec.refusal import Refused
from train.data.prepared import prepared


def test_shrinking_averages_and_rounds_half_up(digits):
    small = prepared(digits, 3, 5)
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
    assert prepared(digits, 1, 0) is digits


@pytest.mark.parametrize(("shrink", "images", "words"), [
    (0, 0, "--shrink must be from 1 to 8"), (9, 0, "--shrink must be from 1 to 8"),
    (1, 1348, "--images must be from 0 to 1347"), (1, -1, "--images must be from 0"),
])
def test_impossible_data_are_refused(digits, shrink, images, words):
    with pytest.raises(Refused, match=words):
        prepared(digits, shrink, images)

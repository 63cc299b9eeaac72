"""Normalization of images in the first layer; that imports then compute the same is in ``test_imported.py``."""

import numpy as np
import pytest

from spec.refusal import Refused
from train.deploy.normalization import Normalization


def test_deviations_of_channels_are_levels_in_their_proportion():
    for deviation in ((0.247, 0.243, 0.262), (0.229, 0.224, 0.225), (0.2, 0.25, 0.32), (0.5, 1.0)):
        levels = Normalization((0.0,) * len(deviation), deviation).levels()
        products = levels * np.array(deviation)
        assert levels.max() <= 121
        assert np.abs(products / products.mean() - 1).max() < 4e-3, deviation
    assert Normalization((0.0,) * 3, (0.2,) * 3).levels().tolist() == [1, 1, 1]
    assert Normalization((0.0,) * 2, (0.5, 1.0)).levels().tolist() == [2, 1]


def test_normalization_of_one_number_stands_for_all_channels():
    assert Normalization.of((0.5,), (0.2,), 3) == Normalization((0.5,) * 3, (0.2,) * 3)
    with pytest.raises(Refused, match="Option --mean must give 1 or 3 numbers, not 2"):
        Normalization.of((0.5, 0.4), (1.0,), 3)

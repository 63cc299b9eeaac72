"""What NNgen's design is to compute: small values, and the convolution by its definition."""

import importlib.util

import numpy as np
import pytest

from flows.bench import nngen_design
from flows.bench.nngen_design import convolved, operands
from spec.refusal import Refused


def test_the_convolution_is_the_sum_over_its_kernel():
    image, weights = operands(5, 4)
    made = convolved(image, weights)
    for y, x, m in np.ndindex(made.shape):
        total = 0
        for ky, kx, n in np.ndindex(3, 3, 4):
            row, column = y + ky - 1, x + kx - 1
            if 0 <= row < 5 and 0 <= column < 5:
                total += int(image[0, row, column, n]) * int(weights[m, ky, kx, n])
        assert made[y, x, m] == max(0, total)


def test_no_value_is_clipped_and_both_signs_of_sums_occur():
    made = convolved(*operands(8, 16))
    assert 50 < made.max() <= 127
    assert 0.3 < (made == 0).mean() < 0.7


def test_it_says_how_to_install_nngen(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"run pip install 'foldenite\[nngen\]'$"):
        nngen_design.need_nngen()

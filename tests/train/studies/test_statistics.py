"""Mean and spread over seeds."""

import pytest

from train.studies.statistics import mean_and_deviation


@pytest.mark.parametrize(("values", "words"), [
    ([0.9], "90.00"), ([0.01, 0.03], "2.00 +- 1.41"), ([0.02, 0.04, 0.09], "5.00 +- 3.61"),
])
def test_by_hand(values, words):
    assert mean_and_deviation(values) == words

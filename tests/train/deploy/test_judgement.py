"""What a judgement says of logits and labels."""

import numpy as np

from train.deploy.judgement import Judgement

#: Classes 0, 0, 1, 1, 2; guesses 0, 2, 1, 0, 0 (the lowest of equals); nothing is of class 3.
ONE = Judgement(
    np.array([0, 0, 1, 1, 2]),
    np.array([[9, 0, 0, 0], [1, 0, 8, 0], [0, 5, 0, 0], [3, 1, 0, 0], [4, 0, 4, 0]]), None,
)


def test_accuracy_and_confusion():
    assert ONE.guesses.tolist() == [0, 2, 1, 0, 0]
    assert ONE.accuracy == 0.4
    assert ONE.confusion.tolist() == [[1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert ONE.by_class == [0.5, 0.5, 0.0, None]


def test_the_worst_mistake_is_the_surest():
    assert ONE.worst(9) == [1, 3]  # By margins of 7 and 2; of equals none is a mistake by a margin.
    assert ONE.worst(1) == [1]

"""Iteration counts drawn at random while training, for networks that will be stretched (:mod:`train.nets.stretch`).

Ref: docs/training.md. Hidden-Fold Networks (IEEE Access 2023), section IV-E, stretches networks of fixed counts.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np

from train.nets.model import ResidualNet

__all__ = ["varied"]


def varied(model: ResidualNet, by: int, seed: int) -> Callable[[int], AbstractContextManager]:
    """Context of training step ``n``, in which every recurrent block of ``model`` runs as often as drawn for it.

    The count is uniform from ``max(1, iterations - by)`` to ``iterations + by``, a function of ``seed`` and ``n``
    alone: a run that was interrupted draws what it would have drawn. Outside the context the counts are as before.
    """
    trained = {block.name: block.iterations for block in model.network.blocks if block.iterations > 1}

    @contextmanager
    def context(step: int) -> Iterator[None]:
        generator = np.random.default_rng((seed, step))
        before = dict(model.iterations)
        for name, count in trained.items():
            model.iterations[name] = int(generator.integers(max(1, count - by), count + by, endpoint=True))
        try:
            yield
        finally:
            model.iterations.update(before)

    return context

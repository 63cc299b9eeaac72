"""How fast a network trains here: measured before a training, so that its epochs can be chosen to fit a time."""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from train.data import Dataset
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.settings import Settings
from train.loop.trainer import Run, Trainer, accuracy

__all__ = ["Pace", "measured", "timed"]

#: Steps before those that count, and the fewest that do.
_WARMING, _COUNTED = 3, 4

#: Held-out images whose judgement is timed.
_JUDGED = 1000


@dataclass(frozen=True)
class Pace:
    """Seconds that parts of a training take.

    Parameters
    ----------
    start : float
        The first step, with what is made ready for it.
    step : dict of int or None to float
        Any other step, by the side that images are shrunk to.
    judging : float
        Accuracy on all held-out images.
    steps : int
        Of an epoch.
    """

    start: float
    step: dict[int | None, float]
    judging: float
    steps: int

    def seconds(self, recipe: Recipe) -> float:
        """A whole training by ``recipe``, whose sides are those of ``step``."""
        epochs = sum(self.steps * self.step[recipe.side(epoch)] + self.judging for epoch in range(recipe.epochs))
        return self.start + epochs

    def epochs_in(self, seconds: float, recipe: Recipe) -> int:
        """The most epochs of ``recipe``, made so long (:meth:`Recipe.of_length`), that take at most ``seconds``; 0 if
        one takes longer.
        """
        fewest, too_many = 0, 1
        while self.seconds(recipe.of_length(too_many)) <= seconds:
            fewest, too_many = too_many, 2 * too_many
        while too_many - fewest > 1:
            middle = (fewest + too_many) // 2
            fits = self.seconds(recipe.of_length(middle)) <= seconds
            fewest, too_many = (middle, too_many) if fits else (fewest, middle)
        return fewest


def measured(settings: Settings, dataset: Dataset, processes: Processes, seconds: float) -> Pace:
    """Pace of training by ``settings``; takes about ``seconds`` for every side that images have.

    Raises
    ------
    Refused
        As :meth:`train.loop.trainer.Trainer.run` does.
    """
    trainer = Trainer(settings.untrained(dataset), dataset, settings.recipe, settings.seed, Run(processes))
    trainer.prepare()
    trainer.model.train()
    starts, step = [], {}
    for side in dict.fromkeys(map(settings.recipe.side, range(settings.recipe.epochs))):
        steps = _timed_steps(trainer, side, processes.device)
        starts.append(next(steps))
        list(itertools.islice(steps, _WARMING))
        counted = list(itertools.islice(steps, _COUNTED))
        while sum(counted) < seconds:
            counted.append(next(steps))
        step[side] = sum(counted) / len(counted)
    images, labels = dataset.test_images[:_JUDGED], dataset.test_labels[:_JUDGED]
    judging = min(timed(lambda: accuracy(trainer.model, images, labels), processes.device) for _ in range(2))
    return Pace(sum(starts), step, judging * len(dataset.test_labels) / len(labels), len(trainer.batches))


def _timed_steps(trainer: Trainer, side: int | None, device: torch.device) -> Iterator[float]:
    """Seconds of one step after another, that of making its batch included; nothing is learned in them."""
    batches = itertools.chain.from_iterable(trainer.batches.epoch(0, 0, side) for _ in itertools.count())
    while True:
        yield timed(lambda: trainer.train_on(*next(batches), 0.0), device)


def timed(action: Callable[[], object], device: torch.device) -> float:
    """Seconds that ``action`` takes, those included in which ``device`` catches up."""
    begun = time.perf_counter()
    action()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - begun

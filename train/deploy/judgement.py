"""What a deployed network makes of images whose classes are known."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.metrics import confusion_matrix

from spec import golden, vectors
from spec.model import Model
from spec.refusal import Refused
from train.data import Dataset
from train.deploy.deployed import DeployedNet

__all__ = ["Judgement", "judge"]


@dataclass(frozen=True)
class Judgement:
    """Labels and logits of held-out images.

    Parameters
    ----------
    labels : int64 array (n,)
    logits : int array (n, classes)
    difference : str, optional
        Where two implementations first differ; None if every stored activation and every logit agrees.
    """

    labels: np.ndarray
    logits: np.ndarray
    difference: str | None

    @cached_property
    def guesses(self) -> np.ndarray:
        """Classes of the largest logits (n,), the lowest of equals."""
        return self.logits.argmax(1)

    @property
    def accuracy(self) -> float:
        """Share of images whose guess is their label."""
        return round(int((self.guesses == self.labels).sum()) / len(self.labels), 6)

    @cached_property
    def confusion(self) -> np.ndarray:
        """Images of class ``i`` that were taken for class ``j``, at ``[i, j]``."""
        return confusion_matrix(self.labels, self.guesses, labels=range(self.logits.shape[1]))

    @property
    def by_class(self) -> list[float | None]:
        """Share of the images of each class that were recognized; None where there are none."""
        counts = self.confusion.sum(1)
        return [
            round(int(right) / int(count), 6) if count else None
            for right, count in zip(self.confusion.diagonal(), counts, strict=True)
        ]

    def worst(self, count: int) -> list[int]:
        """Up to ``count`` images that were mistaken for something else, where the logit of that is furthest above the
        logit of their own class, the worst first.
        """
        every = np.arange(len(self.labels))
        margins = self.logits[every, self.guesses] - self.logits[every, self.labels]
        return [int(i) for i in np.argsort(-margins, kind="stable")[:count] if margins[i] > 0]


def judge(deployed: Model, dataset: Dataset, batch: int = 64) -> Judgement:
    """Run every held-out image of ``dataset`` through the deployed torch model and the golden model.

    Raises
    ------
    Refused
        If the images or classes of ``dataset`` are not the network's.
    """
    network = deployed.network
    if network.classes != dataset.classes:
        raise Refused(
            f"Network {network.name!r} knows {network.classes} classes, but {dataset.name} has {dataset.classes}; "
            "evaluate it on the data it was trained on"
        )
    if network.image != dataset.image:
        takes, gives = ("x".join(map(str, image)) for image in (network.image, dataset.image))
        raise Refused(
            f"Network {network.name!r} takes images of {takes}, but those of {dataset.name} are {gives}; evaluate it "
            "on the data it was trained on, with the same --shrink"
        )
    net = DeployedNet(deployed)
    logits, difference = [], None
    for start in range(0, len(dataset.test_images), batch):
        images = dataset.test_images[start : start + batch]
        trace = net.run(images)
        logits.append(trace.logits)
        if difference is None:
            difference = vectors.difference(golden.run(deployed, images), trace)
            if difference:
                difference = f"held-out images from {start}: {difference}"
    return Judgement(dataset.test_labels, np.concatenate(logits), difference)

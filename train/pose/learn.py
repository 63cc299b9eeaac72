"""Training a network of poses, and judging it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spec.refusal import Refused
from train.pose.augment import PoseAugmentation
from train.pose.deployable import DeployableHourglass
from train.pose.heatmaps import heat_loss, peaks, targets
from train.pose.hourglass import StackedHourglass
from train.pose.pckh import pckh
from train.pose.poses import Poses

__all__ = ["PoseRecipe", "found_joints", "learn", "score"]

PoseNet = StackedHourglass | DeployableHourglass  #: Has ``cells``, and gives the heat maps of every sub-network.

_JUDGED_AT_ONCE = 100


@dataclass(frozen=True)
class PoseRecipe:
    """How poses are learned: Adam, its rate warmed up in an epoch and then half a cosine.

    ``sigma`` is that of the targets, in cells. Newell et al. have RMSprop and 1.
    """

    epochs: int = 12
    batch: int = 16
    lr: float = 1e-2
    sigma: float = 1.5
    mirror: bool = True
    scale: float = 0.25

    def __post_init__(self):
        if min(self.epochs, self.batch) < 1 or min(self.lr, self.sigma) <= 0 or not 0 <= self.scale < 1:
            raise Refused(f"Poses are learned in epochs and batches of at least 1 at positive rates, not {self}")

    def rate(self, step: int, per_epoch: int) -> float:
        """Learning rate of ``step``, from 0."""
        warm = min(1.0, (step + 1) / per_epoch)
        return self.lr * warm * (1 + math.cos(math.pi * step / (self.epochs * per_epoch))) / 2


def learn(
    model: PoseNet, poses: Poses, recipe: PoseRecipe, seed: int, advance: Callable[[], object] = lambda: None
) -> None:
    """Train ``model`` on ``poses``, on the device it is on; ``advance`` is called after each epoch.

    ``seed`` draws the order of the images and their variations.
    """
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    images, joints, annotated = (torch.from_numpy(array).to(device) for array in
                                 (poses.images, poses.joints, poses.annotated))
    vary = PoseAugmentation(recipe.mirror, recipe.scale)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    per_epoch = math.ceil(len(poses) / recipe.batch)
    model.train()
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(poses), generator=generator)
        draws = torch.rand(len(poses), 2, generator=generator)
        for number, start in enumerate(range(0, len(poses), recipe.batch)):
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(epoch * per_epoch + number, per_epoch)
            chosen = order[start : start + recipe.batch].to(device)
            batch = vary(images[chosen], joints[chosen], annotated[chosen], draws[chosen.cpu()].to(device))
            wanted = targets(batch[1], model.cells, recipe.sigma)
            optimizer.zero_grad()
            loss = heat_loss(model(batch[0]), wanted, batch[2])
            loss.backward()
            optimizer.step()
        if not math.isfinite(loss.item()):
            raise Refused(f"Training diverged in epoch {epoch + 1}: its loss is {loss.item()}; lower --lr")
        advance()


@torch.no_grad()
def found_joints(model: PoseNet, images: np.ndarray) -> np.ndarray:
    """Joints (n, 16, 2) in pixels, float32, that the last sub-network of ``model`` finds in ``images``."""
    model.eval()
    device = next(model.parameters()).device
    return np.concatenate([
        _last(model, torch.from_numpy(images[start : start + _JUDGED_AT_ONCE]).to(device)).cpu().numpy()
        for start in range(0, len(images), _JUDGED_AT_ONCE)
    ])


def _last(model: PoseNet, images: Tensor) -> Tensor:
    return peaks(model(images)[-1])


def score(model: PoseNet, poses: Poses) -> float:
    """PCKh@0.5 of ``model`` on ``poses``."""
    return pckh(found_joints(model, poses.images), poses)

"""Training an encoder-decoder for depth and normals, and judging it."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spec.refusal import Refused
from train.indoor.network import EncoderDecoder
from train.indoor.views import Views, rmse

__all__ = ["DepthRecipe", "answers", "depth_loss", "errors", "learn_depth", "normal_loss"]

_JUDGED_AT_ONCE = 100


@dataclass(frozen=True)
class DepthRecipe:
    """How depth and normals are learned: Adam, its rate warmed up in an epoch and then half a cosine.

    ``share`` is the weight of the loss of normals, beside 1 of depth. ``mirror``: swap left and right every other time.
    """

    epochs: int = 12
    batch: int = 16
    lr: float = 5e-3
    share: float = 1.0
    mirror: bool = True

    def __post_init__(self):
        if min(self.epochs, self.batch) < 1 or self.lr <= 0 or self.share < 0:
            raise Refused(f"Depth is learned in epochs and batches of at least 1 at a positive rate, not {self}")

    def rate(self, step: int, per_epoch: int) -> float:
        """Learning rate of ``step``, from 0."""
        warm = min(1.0, (step + 1) / per_epoch)
        return self.lr * warm * (1 + math.cos(math.pi * step / (self.epochs * per_epoch))) / 2


def depth_loss(depth: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """Reverse Huber loss of ``depth`` (T, B, S, S) in metres, mean over pixels that are ``known``, summed over T runs.

    ``|e|`` up to c, ``(e**2 + c**2) / (2 c)`` beyond; c is a fifth of the largest error of the batch (Laina et al., 3DV
    2016; SharpNet takes it, too).
    """
    error = ((depth - wanted) * known).abs()
    c = (0.2 * error.detach().amax()).clamp(min=1e-6)
    each = torch.where(error <= c, error, (error**2 + c**2) / (2 * c)) * known
    return each.sum() / known.sum().clamp(min=1)


def normal_loss(normals: Tensor, wanted: Tensor, known: Tensor) -> Tensor:
    """``1 - n . n'`` of unit ``normals`` (T, B, 3, S, S), mean over pixels that are ``known``, summed over T runs."""
    each = (1 - (normals * wanted).sum(2)) * known
    return each.sum() / known.sum().clamp(min=1)


def learn_depth(
    model: EncoderDecoder, views: Views, recipe: DepthRecipe, seed: int, advance: Callable[[], object] = lambda: None
) -> None:
    """Train ``model`` on ``views``, on the device it is on; ``advance`` is called after each epoch.

    ``seed`` draws the order of the images and which are mirrored.
    """
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    data = [torch.from_numpy(array).to(device) for array in (views.images, views.depth, views.normals, views.known)]
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.lr)
    per_epoch = math.ceil(len(views) / recipe.batch)
    model.train()
    for epoch in range(recipe.epochs):
        order = torch.randperm(len(views), generator=generator)
        swapped = torch.rand(len(views), generator=generator) < 0.5
        for number, start in enumerate(range(0, len(views), recipe.batch)):
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(epoch * per_epoch + number, per_epoch)
            chosen = order[start : start + recipe.batch]
            batch = [array[chosen.to(device)] for array in data]
            if recipe.mirror:
                batch = _mirrored(batch, swapped[chosen].to(device))
            images, depth, normals, known = batch
            found = model(images)
            optimizer.zero_grad()
            loss = depth_loss(found[0], depth, known)
            loss = loss + recipe.share * normal_loss(found[1], normals.permute(0, 3, 1, 2), known)
            loss.backward()
            optimizer.step()
        if not math.isfinite(loss.item()):
            raise Refused(f"Training diverged in epoch {epoch + 1}: its loss is {loss.item()}; lower --lr")
        advance()


def _mirrored(batch: list[Tensor], swapped: Tensor) -> list[Tensor]:
    """Images, depth, normals and flags, left and right swapped where ``swapped`` (B,); so is the sign of a normal's x.
    """
    images, depth, normals, known = batch
    other = normals.flip(2) * torch.tensor([-1.0, 1.0, 1.0], device=normals.device)
    return [
        torch.where(swapped.view(-1, *(1,) * (one.dim() - 1)), two, one)
        for one, two in ((images, images.flip(2)), (depth, depth.flip(2)), (normals, other), (known, known.flip(2)))
    ]


@torch.no_grad()
def answers(model: EncoderDecoder, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (n, S, S) and normals (n, S, S, 3), float32, of the last run of ``model`` on ``images``."""
    model.eval()
    device, found = next(model.parameters()).device, []
    for start in range(0, len(images), _JUDGED_AT_ONCE):
        depth, normals = model(torch.from_numpy(images[start : start + _JUDGED_AT_ONCE]).to(device))
        found.append((depth[-1].cpu().numpy(), normals[-1].permute(0, 2, 3, 1).cpu().numpy()))
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


def errors(model: EncoderDecoder, views: Views) -> tuple[float, float]:
    """RMSE of depth and of normals (:func:`train.indoor.views.rmse`) of ``model`` on ``views``."""
    return rmse(*answers(model, views.images), views)

"""Learning rates and optimizers by recipe."""

import math
from bisect import bisect_right

import torch
from torch import nn

from train.loop.recipe import Recipe

__all__ = ["learning_rate", "make_optimizer"]


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Rate of step ``step`` where an epoch has ``steps`` of them.

    Being a function of the step alone it has no state to save, and no off-by-one epoch at a resume.
    """
    epoch = step / steps
    if epoch < recipe.warmup:
        return recipe.lr * (step + 1) / (recipe.warmup * steps + 1)
    match recipe.schedule:
        case "cosine":
            share = (epoch - recipe.warmup) / (recipe.epochs - recipe.warmup)
            return recipe.lr * 0.5 * (1 + math.cos(math.pi * share))
        case "step":
            return recipe.lr * recipe.factor ** bisect_right(recipe.milestones, epoch)
        case "exponential":
            return recipe.lr * recipe.factor ** (epoch / recipe.period)
        case _:
            return recipe.lr


def make_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """Optimizer of all trainable parameters of ``model``, those of normalizations in a group of their own.

    Parameters with one dimension are those of normalizations, and biases; scores and weights have more.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {
            "params": [p for p in parameters if p.ndim <= 1],
            "weight_decay": recipe.weight_decay if recipe.decay_norms else 0.0,
        },
    ]
    groups = [group for group in groups if group["params"]]
    match recipe.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=recipe.nesterov)
        case "adam":
            return torch.optim.Adam(groups, lr=recipe.lr)
        case _:
            return torch.optim.RAdam(groups, lr=recipe.lr)

"""What to say when a GPU's memory does not hold a step: the batch that it does hold."""

from collections.abc import Callable

import torch

from spec.refusal import Refused
from train.loop.recipe import Recipe

__all__ = ["out_of_memory", "part_that_fits"]


def part_that_fits(attempt: Callable[[int], object], images: int) -> int:
    """Largest of ``images / 2``, ``images / 4``, ... whole images with which ``attempt`` has memory enough; 0: none."""
    while images := images // 2:
        try:
            attempt(images)
        except torch.OutOfMemoryError:
            continue
        return images
    return 0


def out_of_memory(attempt: Callable[[int], object], recipe: Recipe, world: int) -> Refused:
    """Why a step of ``recipe`` cannot be, and what can: ``attempt(n)`` computes a part of ``n`` images.

    ``world`` processes share the batch.
    """
    wanted = recipe.batch // (recipe.accumulate * world)
    part = part_that_fits(attempt, wanted)
    if not part:
        return Refused("The GPU's memory does not hold a training step of one image; train a smaller network")
    parts = recipe.batch // (part * world)
    same = f", or --accumulate {parts} for the same batch in parts" if parts * part * world == recipe.batch else ""
    return Refused(
        f"The GPU's memory does not hold a training step of {wanted} images at once, but it holds {part}: give --batch "
        f"{part * recipe.accumulate * world}{same}"
    )

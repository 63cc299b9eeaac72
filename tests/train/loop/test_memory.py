"""Memory that runs out: which part of a batch fits, and what is said of it. The error is the one that torch raises."""

import pytest
import torch

from train.loop.memory import out_of_memory, part_that_fits
from train.loop.recipe import Recipe


def holding(most, tried):
    def attempt(images):
        tried.append(images)
        if images > most:
            raise torch.OutOfMemoryError("CUDA out of memory")

    return attempt


@pytest.mark.parametrize(("most", "images", "part", "tried"), [
    (100, 256, 64, [128, 64]), (128, 256, 128, [128]), (5, 96, 3, [48, 24, 12, 6, 3]), (0, 5, 0, [2, 1]), (9, 1, 0, []),
])
def test_the_part_that_fits_is_the_first_of_the_halves(most, images, part, tried):
    seen = []
    assert part_that_fits(holding(most, seen), images) == part
    assert seen == tried


@pytest.mark.parametrize(("batch", "accumulate", "world", "most", "sentence"), [
    (256, 1, 1, 70, "of 256 images at once, but it holds 64: give --batch 64, or --accumulate 4 for the same batch in"),
    (256, 2, 2, 40, "of 64 images at once, but it holds 32: give --batch 128, or --accumulate 4 for the same batch in"),
    (6, 1, 1, 2, "of 6 images at once, but it holds 1: give --batch 1, or --accumulate 6"),
    (10, 1, 1, 2, "of 10 images at once, but it holds 2: give --batch 2, or --accumulate 5"),
    (7, 1, 1, 3, "of 7 images at once, but it holds 3: give --batch 3"),
    (8, 1, 1, 0, "The GPU's memory does not hold a training step of one image; train a smaller network"),
])
def test_what_is_named_works(batch, accumulate, world, most, sentence):
    """Batch and parts that a recipe and its processes take, and that the memory holds."""
    recipe = Recipe(epochs=1, batch=batch, accumulate=accumulate)
    said = str(out_of_memory(holding(most, []), recipe, world))
    assert sentence in said
    words = said.split()
    for option in ("--batch", "--accumulate"):
        if option in words:
            value = int(words[words.index(option) + 1].strip(","))
            other = {"batch": value, "accumulate": accumulate} if option == "--batch" else {
                "batch": batch, "accumulate": value}
            made = Recipe(epochs=1, **other)
            assert made.batch % (made.accumulate * world) == 0
            assert made.batch // (made.accumulate * world) <= most
    assert ("--accumulate" in words) == (batch != 7 and most > 0)

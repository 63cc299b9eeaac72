"""Corrupted images at five strengths: noise, blur, contrast, shift. A stand-in for images of another distribution.

Made in integers and float64 of numpy from a seed, so that the same images come on every machine.
"""

import dataclasses

import numpy as np

from spec.refusal import Refused
from train.data.dataset import Dataset

__all__ = ["CORRUPTIONS", "STRENGTHS", "corrupted", "corrupted_set"]

CORRUPTIONS = ("noise", "blur", "contrast", "shift")
STRENGTHS = (1, 2, 3, 4, 5)


def corrupted(images: np.ndarray, kind: str, strength: int, seed: int = 0) -> np.ndarray:
    """``images``, uint8 (n, H, W, C), corrupted: the same shape and type.

    ``noise`` adds N(0, (12 * strength)**2); ``blur`` averages 3x3 pixels ``strength`` times, edges repeated;
    ``contrast`` keeps ``1 - 0.17 * strength`` of the distance from the image's mean; ``shift`` moves by ``strength``
    sixteenths of the side, rounded up, in one of the four diagonal directions, with black behind.

    Raises
    ------
    Refused
        If there is no such kind or strength.
    """
    if kind not in CORRUPTIONS or strength not in STRENGTHS:
        raise Refused(
            f"There is no corruption {kind!r} of strength {strength}; there are {', '.join(CORRUPTIONS)} of strengths "
            f"{STRENGTHS[0]} to {STRENGTHS[-1]}"
        )
    rng, values = np.random.default_rng((seed, CORRUPTIONS.index(kind), strength)), images.astype(np.float64)
    match kind:
        case "noise":
            values += rng.normal(0, 12 * strength, values.shape)
        case "blur":
            for _ in range(strength):
                for axis in (1, 2):
                    values = _mean_of_three(values, axis)
        case "contrast":
            mean = values.mean((1, 2, 3), keepdims=True)
            values = mean + (1 - 0.17 * strength) * (values - mean)
        case "shift":
            return _shifted(images, strength, rng)
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)


def _mean_of_three(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of each value and its two neighbours on ``axis``, edges repeated."""
    size, places = values.shape[axis], np.arange(values.shape[axis])
    before, after = np.maximum(places - 1, 0), np.minimum(places + 1, size - 1)
    return (values.take(before, axis) + values + values.take(after, axis)) / 3


def _shifted(images: np.ndarray, strength: int, rng: np.random.Generator) -> np.ndarray:
    """Each image moved along one of its diagonals."""
    _, height, width, _ = images.shape
    down, right = -(-strength * height // 16), -(-strength * width // 16)
    directions = rng.integers(0, 2, (len(images), 2)) * 2 - 1
    padded = np.pad(images, ((0, 0), (down, down), (right, right), (0, 0)))
    rows = (down - down * directions[:, :1]) + np.arange(height)  # (n, H)
    columns = (right - right * directions[:, 1:]) + np.arange(width)  # (n, W)
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]


def corrupted_set(dataset: Dataset, kind: str, strength: int, seed: int = 0) -> Dataset:
    """``dataset`` with corrupted test images."""
    images = corrupted(dataset.test_images[:], kind, strength, seed)
    return dataclasses.replace(dataset, test_images=images)

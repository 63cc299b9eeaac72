"""Random variations of training images that are in memory, on whatever device they are."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spec.refusal import Refused

__all__ = ["DRAWS", "Augmentation"]

#: Uniform numbers that every training image gets, whether or not its augmentation uses them all.
DRAWS = 5


@dataclass(frozen=True)
class Augmentation:
    """What a training image goes through. Images in files are always cropped and mirrored as they are decoded.

    Parameters
    ----------
    pad : int
        Zeros around the image before a part of its size is cut out at random (the papers: 4 on CIFAR).
    mirror : bool
        Swap left and right every other time.
    """

    pad: int = 0
    mirror: bool = False

    def __post_init__(self):
        if self.pad < 0:
            raise Refused(f"Augmentation padding must be at least 0, not {self.pad}")

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Varied ``images`` (B, H, W, C), by uniform ``draws`` (B, DRAWS): row, column, mirror."""
        if not self.pad and not self.mirror:
            return images
        count, height, width, _ = images.shape
        rows, columns = (torch.arange(size, device=images.device).expand(count, size) for size in (height, width))
        if self.mirror:
            columns = torch.where(draws[:, 2:3] < 0.5, columns.flip(1), columns)
        if self.pad:
            images = torch.nn.functional.pad(images, (0, 0, self.pad, self.pad, self.pad, self.pad))
            rows = rows + (draws[:, 0:1] * (2 * self.pad + 1)).long()  # (B, H)
            columns = columns + (draws[:, 1:2] * (2 * self.pad + 1)).long()  # (B, W)
        every = torch.arange(count, device=images.device)[:, None, None]
        return images[every, rows[:, :, None], columns[:, None, :]]

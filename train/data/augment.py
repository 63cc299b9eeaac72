"""Random variations of training images that are in memory, on whatever device they are."""

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from spec.refusal import Refused

__all__ = ["DRAWS", "Augmentation"]

#: Uniform numbers that every training image gets, whether or not its augmentation uses them all.
DRAWS = 5

#: What covers a part of an image: half of the largest pixel.
_GREY = 128


@dataclass(frozen=True)
class Augmentation:
    """What a training image goes through. Images in files are always cropped and mirrored as they are decoded.

    Parameters
    ----------
    pad : int
        Pixels around the image before a part of its size is cut out at random (the papers: 4 on CIFAR).
    mirror : bool
        Swap left and right every other time.
    reflect : bool
        Those pixels are a reflection of the image; otherwise 0.
    alternate : bool
        An image that is swapped in one epoch is not in the next: :class:`train.data.batches.Batches` draws so.
    cutout : int
        Side of a grey square somewhere on the image.
    """

    pad: int = 0
    mirror: bool = False
    reflect: bool = False
    alternate: bool = False
    cutout: int = 0

    def __post_init__(self):
        if self.pad < 0:
            raise Refused(f"Augmentation padding must be at least 0, not {self.pad}")

    def shrunk(self, share: float) -> "Augmentation":
        """The same of images ``share`` as large."""
        pad, cutout = (max(1, round(size * share)) if size else 0 for size in (self.pad, self.cutout))
        return dataclasses.replace(self, pad=pad, cutout=cutout)

    def __call__(self, images: Tensor, draws: Tensor) -> Tensor:
        """Varied ``images`` (B, H, W, C), by uniform ``draws`` (B, DRAWS): row, column, mirror, row and column of the
        square.
        """
        varied = self._moved(images, draws) if self.pad or self.mirror else images
        return self._covered(varied, draws) if self.cutout else varied

    def _moved(self, images: Tensor, draws: Tensor) -> Tensor:
        count, height, width, _ = images.shape
        rows, columns = (torch.arange(size, device=images.device).expand(count, size) for size in (height, width))
        if self.mirror:
            columns = torch.where(draws[:, 2:3] < 0.5, columns.flip(1), columns)
        if self.pad:
            images = self._padded(images)
            rows = rows + (draws[:, 0:1] * (2 * self.pad + 1)).long()  # (B, H)
            columns = columns + (draws[:, 1:2] * (2 * self.pad + 1)).long()  # (B, W)
        every = torch.arange(count, device=images.device)[:, None, None]
        return images[every, rows[:, :, None], columns[:, None, :]]

    def _padded(self, images: Tensor) -> Tensor:
        around = (self.pad,) * 4
        if not self.reflect:
            return functional.pad(images, (0, 0, *around))
        most = min(images.shape[1:3]) - 1
        if self.pad > most:
            raise Refused(f"Setting --crop-pad must be at most {most} with --reflect on such images, not {self.pad}")
        planes = functional.pad(images.permute(0, 3, 1, 2).float(), around, mode="reflect")
        return planes.permute(0, 2, 3, 1).to(images.dtype)

    def _covered(self, images: Tensor, draws: Tensor) -> Tensor:
        """A square of ``cutout`` pixels around any pixel of the image is grey."""
        inside = []
        for column, size in ((3, images.shape[1]), (4, images.shape[2])):
            first = (draws[:, column : column + 1] * size).long() - self.cutout // 2
            places = torch.arange(size, device=images.device)
            inside.append((places >= first) & (places < first + self.cutout))
        rows, columns = inside
        return images.masked_fill((rows[:, :, None] & columns[:, None, :])[..., None], _GREY)

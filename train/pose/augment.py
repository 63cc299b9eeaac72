"""Random variations of images with joints: mirrored, and scaled about the middle."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from train.pose.skeleton import MIRRORED

__all__ = ["PoseAugmentation"]


@dataclass(frozen=True)
class PoseAugmentation:
    """What a training image goes through; its joints go with it.

    Parameters
    ----------
    mirror : bool
        Swap left and right every other time, names of joints included.
    scale : float
        Largest change of size: a factor from ``1 - scale`` to ``1 + scale`` (Newell et al.: 0.25). Around the image is
        black.
    """

    mirror: bool = True
    scale: float = 0.25

    def __call__(
        self, images: Tensor, joints: Tensor, annotated: Tensor, draws: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Varied images (B, S, S, C), joints (B, K, 2) and flags (B, K), by uniform ``draws`` (B, 2).

        Joints that leave the image are not annotated any more.
        """
        side = images.shape[1]
        if self.mirror:
            swapped = draws[:, 0] < 0.5
            other = torch.tensor(MIRRORED, device=joints.device)
            across = joints[:, other].clone()
            across[..., 0] = side - 1 - across[..., 0]
            images = torch.where(swapped[:, None, None, None], images.flip(2), images)
            joints = torch.where(swapped[:, None, None], across, joints)
            annotated = torch.where(swapped[:, None], annotated[:, other], annotated)
        if self.scale:
            factors = 1 + self.scale * (2 * draws[:, 1] - 1)  # (B,)
            images = _scaled(images, factors)
            middle = (side - 1) / 2
            joints = (joints - middle) * factors[:, None, None] + middle
        inside = ((joints >= -0.5) & (joints < side - 0.5)).all(2)
        return images, joints, annotated & inside


def _scaled(images: Tensor, factors: Tensor) -> Tensor:
    """``images`` enlarged by ``factors`` about their middle, bilinear, to whole values."""
    rows = torch.zeros(len(images), 2, 3, device=images.device)
    rows[:, 0, 0] = rows[:, 1, 1] = 1 / factors
    planes = images.permute(0, 3, 1, 2).float()
    grid = functional.affine_grid(rows, planes.shape, align_corners=False)
    moved = functional.grid_sample(planes, grid, align_corners=False)
    return moved.round().to(images.dtype).permute(0, 2, 3, 1)

"""What a set of views is: an image of a room each, and depth and surface normal of its pixels."""

import hashlib
from dataclasses import dataclass

import numpy as np

from spec.refusal import Refused

__all__ = ["ROOM_DEPTHS", "ViewData", "Views", "rmse"]

#: Metres within which the middle depth of a view of a room lies; otherwise its unit is another one.
ROOM_DEPTHS = 0.1, 30.0

#: How far from 1 a normal's length may be.
_UNIT = 0.02


@dataclass(frozen=True)
class Views:
    """Views, an image each.

    Parameters
    ----------
    images : uint8 array, (n, S, S, 3)
    depth : float32 array, (n, S, S)
        Metres along the camera's axis.
    normals : float32 array, (n, S, S, 3)
        Unit vectors.
    known : bool array, (n, S, S)
        Where both are known; other pixels are neither trained on nor judged.
    """

    images: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    known: np.ndarray

    def __post_init__(self):
        size = self.images.shape[:3]
        if self.depth.shape != size or self.normals.shape != (*size, 3) or self.known.shape != size:
            raise Refused(
                f"Images {self.images.shape} need a depth and a normal for each pixel, not {self.depth.shape} and "
                f"{self.normals.shape}; bring them to one size"
            )
        if not self.known.any():
            raise Refused(f"No pixel of {len(self.images)} views has depth and normal; give views that do")
        middle = float(np.median(self.depth[self.known]))
        if not ROOM_DEPTHS[0] <= middle <= ROOM_DEPTHS[1]:
            raise Refused(f"The middle depth of {len(self.images)} views is {middle:.3g}, no room's; give metres")
        lengths = np.linalg.norm(self.normals[self.known], axis=1)
        off = np.abs(lengths - 1).max()
        if not off <= _UNIT:
            raise Refused(f"Normals must be unit vectors, but the length of one is off by {off:.3g}; divide by it")

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class ViewData:
    """Views to train on, and views to judge by, on which nothing is ever chosen."""

    name: str
    train: Views
    held_out: Views

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all of it."""
        digest = hashlib.sha256()
        for part in (self.train, self.held_out):
            for array in (part.images, part.depth, part.normals, part.known):
                digest.update(f"{array.dtype.str} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def rmse(depth: np.ndarray, normals: np.ndarray, views: Views) -> tuple[float, float]:
    """``sqrt(mean (d - d')**2)`` in metres, and ``sqrt(mean |n - n'|**2 / 3)``, over the known pixels of all ``views``.

    Ref: RPG (arXiv:2107.07110), Table 5, which does not say more than RMSE.
    """
    far = (depth - views.depth)[views.known].astype(np.float64)
    turned = (normals - views.normals)[views.known].astype(np.float64)
    return float(np.sqrt((far**2).mean())), float(np.sqrt((turned**2).mean()))

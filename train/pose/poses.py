"""What a set of poses is: images of one person each, and where the joints are."""

import hashlib
from dataclasses import dataclass, fields

import numpy as np

from spec.refusal import Refused
from train.pose.skeleton import HEAD, JOINTS

__all__ = ["PoseData", "Poses"]


@dataclass(frozen=True)
class Poses:
    """People, an image each.

    Parameters
    ----------
    images : uint8 array, (n, S, S, 3)
    joints : float32 array, (n, 16, 2)
        x and y in pixels; the middle of the first pixel is (0, 0).
    annotated : bool array, (n, 16)
        Whether that is known; the others are neither trained on nor judged.
    """

    images: np.ndarray
    joints: np.ndarray
    annotated: np.ndarray

    def __post_init__(self):
        count, known = len(self.images), np.asarray(self.annotated)
        if self.joints.shape != (count, len(JOINTS), 2) or known.shape != (count, len(JOINTS)):
            raise Refused(
                f"{count} images of people need joints ({count}, {len(JOINTS)}, 2) and as many flags, not "
                f"{self.joints.shape} and {known.shape}; number them as MPII does"
            )
        if not known.any():
            raise Refused(f"None of {count} images has a joint; give annotations that do")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def heads(self) -> np.ndarray:
        """Length of every person's head segment in pixels: float32 (n,); 0 where one of its ends is unknown."""
        low, top = HEAD
        lengths = np.linalg.norm(self.joints[:, top] - self.joints[:, low], axis=1)
        return np.where(self.annotated[:, low] & self.annotated[:, top], lengths, 0).astype(np.float32)

    def first(self, count: int) -> "Poses":
        """The first ``count`` of them."""
        return Poses(*(getattr(self, field.name)[:count] for field in fields(self)))


@dataclass(frozen=True)
class PoseData:
    """Poses to train on, and poses to judge by, on which nothing is ever chosen."""

    name: str
    train: Poses
    held_out: Poses

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all of it."""
        digest = hashlib.sha256()
        for part in (self.train, self.held_out):
            for array in (part.images, part.joints, part.annotated):
                digest.update(f"{array.dtype.str} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

"""PCKh, the share of joints that are found to within half of a head."""

import numpy as np

from spec.refusal import Refused
from train.pose.poses import Poses
from train.pose.skeleton import JUDGED

__all__ = ["pckh"]


def pckh(found: np.ndarray, poses: Poses, share: float = 0.5) -> float:
    """PCKh@0.5 of the joints ``found`` (n, 16, 2), x and y in pixels, from 0 to 1.

    ``PCKh = sum_nk v_nk [ |f_nk - j_nk| <= share * h_n ] / sum_nk v_nk``: f found, j annotated, h_n the length of the
    head segment (upper neck to head top), and v_nk whether joint k is annotated and one of
    :data:`train.pose.skeleton.JUDGED` and the head of person n is known. (The benchmark takes 0.6 times the diagonal of
    a rectangle around the head for h_n; the JSON form of its annotations has no rectangles.)

    Ref: Andriluka et al., 2D Human Pose Estimation, CVPR 2014, section 4; Table 4 of RPG (arXiv:2107.07110).

    Raises
    ------
    Refused
        If there is no joint to judge.
    """
    judged = np.zeros(poses.annotated.shape[1], bool)
    judged[list(JUDGED)] = True
    counted = poses.annotated & judged & (poses.heads > 0)[:, None]  # (n, 16)
    if not counted.any():
        raise Refused("No joint can be judged: annotate upper neck, head top and at least one more of a person")
    distances = np.linalg.norm(found - poses.joints, axis=2)
    return float((distances <= share * poses.heads[:, None])[counted].mean())

"""What a pose network sees: people with the joints found in them, as a drawing."""

import numpy as np

from console.pages.drawing import Drawing, standalone, style
from train.pose.skeleton import JOINTS

__all__ = ["BONES", "picture"]

#: Pairs of joints that a line joins.
BONES = tuple((JOINTS.index(one), JOINTS.index(other)) for one, other in (
    ("head top", "upper neck"), ("upper neck", "thorax"), ("thorax", "pelvis"),
    *(pair for side in ("right", "left") for pair in (
        ("thorax", f"{side} shoulder"), (f"{side} shoulder", f"{side} elbow"), (f"{side} elbow", f"{side} wrist"),
        ("pelvis", f"{side} hip"), (f"{side} hip", f"{side} knee"), (f"{side} knee", f"{side} ankle"),
    )),
))


def picture(images: np.ndarray, found: np.ndarray, joints: np.ndarray, annotated: np.ndarray, title: str) -> str:
    """An SVG file: every image (n, S, S, 3), and over it the joints ``found`` (n, 16, 2), x and y in pixels, as a
    figure, and rings where those of ``joints`` are that are ``annotated`` (n, 16).
    """
    with style():
        drawing = Drawing(1.6 * len(images), 1.7, title)
        for axes, image, here, there, known in zip(
            drawing.figure.subplots(1, len(images), squeeze=False)[0], images, found, joints, annotated, strict=True
        ):
            axes.imshow(image)
            axes.set_axis_off()
            for bone in BONES:
                axes.plot(*here[list(bone)].T, color="#e0301e", linewidth=1.2)
            axes.scatter(*there[known].T, s=9, facecolors="none", edgecolors="#ffffff", linewidths=0.7)
        return standalone(drawing.svg())

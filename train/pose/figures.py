"""Stick figures: people of a simple kind, drawn from a seed, before noise and behind things.

A figure faces the viewer, so its right is on the left of an upright image. It is a tree of joints: torso, head, arms
and legs have lengths of their own and random angles. Behind it are blurred noise and loose limbs of the same kind,
before it rectangles, which hide some joints; hidden joints are annotated all the same, as in MPII.
"""

import numpy as np

from train.pose.poses import PoseData, Poses
from train.pose.skeleton import JOINTS

__all__ = ["figures", "synthetic_poses"]

#: Length of the torso, of 64 pixels: from and to.
_TORSO = 13.0, 18.0

#: Parts that are drawn, the last on top: two joints, and the radius over the torso's length.
_DRAWN = (
    ("right hip", "right knee", 0.10), ("right knee", "right ankle", 0.08), ("left hip", "left knee", 0.10),
    ("left knee", "left ankle", 0.08), ("right hip", "left hip", 0.12), ("pelvis", "thorax", 0.18),
    ("right shoulder", "left shoulder", 0.11), ("upper neck", "head top", 0.20),
    ("right shoulder", "right elbow", 0.08), ("right elbow", "right wrist", 0.07),
    ("left shoulder", "left elbow", 0.08), ("left elbow", "left wrist", 0.07),
)

_LOOSE, _RECTANGLES = 6, 2

#: Images that are drawn at once.
_AT_ONCE = 128


def synthetic_poses(train: int, held_out: int, side: int = 64, seed: int = 0) -> PoseData:
    """That many figures to train on and to judge by, all different, in square images of ``side`` pixels."""
    return PoseData("figures", figures(train, side, 2 * seed), figures(held_out, side, 2 * seed + 1))


def figures(count: int, side: int, seed: int) -> Poses:
    """``count`` figures drawn from ``seed``."""
    random = np.random.default_rng(seed)
    joints, torso = _skeletons(random, count, side)
    images = np.concatenate([
        _pictures(random, joints[start : start + _AT_ONCE], torso[start : start + _AT_ONCE], side)
        for start in range(0, count, _AT_ONCE)
    ])
    inside = ((joints >= -0.5) & (joints < side - 0.5)).all(2)
    return Poses(images, joints.astype(np.float32), inside)


def _skeletons(random: np.random.Generator, count: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Joints (count, 16, 2) in pixels and lengths of torsos (count,)."""
    def drawn(low: float, high: float) -> np.ndarray:
        return random.uniform(low, high, count)

    def along(start: np.ndarray, angle: np.ndarray, length: np.ndarray) -> np.ndarray:
        """From ``start`` by ``length`` torsos; angle 0 is down, a quarter turn is right in the image."""
        return start + (length * torso)[:, None] * np.stack([np.sin(angle), np.cos(angle)], 1)

    torso, lean = drawn(*_TORSO) * side / 64, drawn(-0.6, 0.6)
    up = lean + np.pi
    at = {"pelvis": np.stack([drawn(0.42, 0.58), drawn(0.46, 0.58)], 1) * side}
    at["thorax"] = along(at["pelvis"], up, drawn(0.85, 1.0))
    at["upper neck"] = along(at["thorax"], up, drawn(0.1, 0.15))
    at["head top"] = along(at["upper neck"], up + drawn(-0.4, 0.4), drawn(0.42, 0.5))
    for name, out in (("right", -1), ("left", 1)):
        beside = lean + out * np.pi / 2
        at[f"{name} shoulder"] = along(at["thorax"], beside, drawn(0.27, 0.33))
        at[f"{name} hip"] = along(at["pelvis"], beside, drawn(0.17, 0.21))
        arm, thigh = lean + out * drawn(-0.4, 2.8), lean + out * drawn(-0.3, 1.0)
        at[f"{name} elbow"] = along(at[f"{name} shoulder"], arm, drawn(0.35, 0.55))
        at[f"{name} wrist"] = along(at[f"{name} elbow"], arm + out * drawn(-2.2, 2.2), drawn(0.35, 0.5))
        at[f"{name} knee"] = along(at[f"{name} hip"], thigh, drawn(0.45, 0.65))
        at[f"{name} ankle"] = along(at[f"{name} knee"], thigh - out * drawn(-0.4, 1.2), drawn(0.45, 0.6))
    return np.stack([at[name] for name in JOINTS], 1), torso


def _pictures(random: np.random.Generator, joints: np.ndarray, torso: np.ndarray, side: int) -> np.ndarray:
    """Images (n, side, side, 3), uint8, of figures with ``joints`` (n, 16, 2)."""
    count = len(joints)
    coarse = random.uniform(0.25, 0.75, (count, side // 8 + 1, side // 8 + 1, 3)).astype(np.float32)
    canvas = _enlarged(coarse, side)
    for _ in range(_LOOSE):
        start = random.uniform(0, side, (count, 2))
        end = start + random.normal(0, 0.5, (count, 2)) * torso[:, None]
        _draw(canvas, start, end, random.uniform(0.06, 0.12, count) * torso, random.uniform(0, 1, (count, 3)))
    base = random.uniform(0, 1, (count, 3))
    for one, other, radius in _DRAWN:
        colour = np.clip(base + random.normal(0, 0.12, (count, 3)), 0, 1)
        ends = joints[:, JOINTS.index(one)], joints[:, JOINTS.index(other)]
        _draw(canvas, *ends, radius * torso, colour)
    for _ in range(_RECTANGLES):
        low = random.uniform(0, side, (count, 1, 2))
        size = random.uniform(0.08, 0.3, (count, 1, 2)) * side
        places = np.arange(side)[None, :, None]
        within = (places >= low) & (places < low + size)  # (n, side, 2)
        hidden = within[:, :, None, 1] & within[:, None, :, 0]
        canvas[hidden] = np.repeat(random.uniform(0, 1, (count, 3)), hidden.sum((1, 2)), axis=0)
    canvas += random.normal(0, 0.08, canvas.shape)
    return (np.clip(canvas, 0, 1) * 255 + 0.5).astype(np.uint8)


def _enlarged(coarse: np.ndarray, side: int) -> np.ndarray:
    """``coarse`` (n, m, m, 3), bilinear between its values, as (n, side, side, 3)."""
    places = np.arange(side, dtype=np.float32) / 8
    low = np.minimum(places.astype(int), coarse.shape[1] - 2)
    part = (places - low)[:, None]
    rows = coarse[:, low] * (1 - part[:, None]) + coarse[:, low + 1] * part[:, None]
    return rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part


def _draw(canvas: np.ndarray, start: np.ndarray, end: np.ndarray, radius: np.ndarray, colour: np.ndarray) -> None:
    """Draw a rounded line from ``start`` to ``end`` (n, 2) over each image, its edge a pixel wide."""
    places = np.arange(canvas.shape[1], dtype=np.float32)
    x, y = places[None, None, :], places[None, :, None]
    start, way = start.astype(np.float32)[:, :, None, None], (end - start).astype(np.float32)[:, :, None, None]
    dx, dy = x - start[:, 0], y - start[:, 1]  # (n, 1, side) and (n, side, 1)
    share = (dx * way[:, 0] + dy * way[:, 1]) / np.maximum((way**2).sum(1), 1e-6)
    share = np.clip(share, 0, 1)
    distance = np.hypot(dx - share * way[:, 0], dy - share * way[:, 1])
    cover = np.clip(radius.astype(np.float32)[:, None, None] - distance + 0.5, 0, 1)[..., None]
    canvas += cover * (colour.astype(np.float32)[:, None, None] - canvas)

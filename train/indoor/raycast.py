"""Synthetic rooms: boxes in a box, seen by a camera; depth and normals are exact.

A room is an upright box with a textured floor, ceiling and walls; four smaller boxes stand on its floor, turned about
the vertical. A ray is met by the nearest surface; it is lit by a lamp, and noise is added. Normals point to the side of
the camera, which looks along z; x is right and y is down, in the world, too.
"""

from dataclasses import dataclass

import numpy as np

from train.indoor.views import ViewData, Views

__all__ = ["Boxes", "met", "rooms", "synthetic_rooms"]

#: Boxes in a room; half of the angle of view, as a tangent.
_BOXES, _ZOOM = 4, 0.9

#: Views that are made at once.
_AT_ONCE = 64


def synthetic_rooms(train: int, held_out: int, side: int = 32, seed: int = 0) -> ViewData:
    """That many rooms to train on and to judge by, all different, in square images of ``side`` pixels."""
    return ViewData("rooms", rooms(train, side, 2 * seed), rooms(held_out, side, 2 * seed + 1))


def rooms(count: int, side: int, seed: int) -> Views:
    """``count`` views, of a room each, drawn from ``seed``."""
    random = np.random.default_rng(seed)
    parts = [_views(random, min(_AT_ONCE, count - start), side) for start in range(0, count, _AT_ONCE)]
    return Views(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


@dataclass(frozen=True)
class Boxes:
    """A box in each view: middles (n, 3), halves of their sides (n, 3), turned by ``yaw`` (n,) about the vertical."""

    middle: np.ndarray
    half: np.ndarray
    yaw: np.ndarray


def _turned(vectors: np.ndarray, yaw: np.ndarray) -> np.ndarray:
    """``vectors`` (n, P, 3) turned about y by ``yaw`` (n,)."""
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    x, y, z = np.moveaxis(vectors, 2, 0)
    return np.stack([cos * x + sin * z, y, cos * z - sin * x], 2)


def met(boxes: Boxes, origin: np.ndarray, rays: np.ndarray, inside: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where rays meet the boxes: distances (n, P) in lengths of the rays, inf where not; normals, and places (n, P, 3)
    in the box's own axes.

    A ray from ``origin`` (n, 3) along ``rays`` (n, P, 3) is between a pair of faces from one distance to another; it is
    in the box where it is between all three. It meets the box where it enters, or leaves if it is from ``inside``.
    """
    start = _turned((origin - boxes.middle)[:, None], -boxes.yaw)  # (n, 1, 3)
    way = _turned(rays, -boxes.yaw)
    way = np.where(np.abs(way) < 1e-12, 1e-12, way)
    one, other = (-boxes.half[:, None] - start) / way, (boxes.half[:, None] - start) / way
    enters, leaves = np.minimum(one, other), np.maximum(one, other)
    if inside:
        axis, distance = leaves.argmin(2), leaves.min(2)
    else:
        axis, distance = enters.argmax(2), enters.max(2)
        distance = np.where((distance > 1e-6) & (distance < leaves.min(2)), distance, np.inf)
    normal = np.eye(3)[axis] * -np.sign(way)  # Against the ray, along the axis of the face.
    place = start + np.where(np.isfinite(distance), distance, 0)[..., None] * way
    return distance, _turned(normal, boxes.yaw), place


def _views(random: np.random.Generator, count: int, side: int) -> tuple[np.ndarray, ...]:
    """Images, depth, normals and flags of ``count`` views."""
    size = random.uniform([3.0, 2.3, 3.5], [7.0, 3.2, 8.0], (count, 3))  # Width, height, length, in metres.
    room = Boxes(np.zeros((count, 3)), size / 2, np.zeros(count))
    origin = np.stack([random.uniform(-0.3, 0.3, count) * size[:, 0], size[:, 1] / 2 - random.uniform(1.1, 1.8, count),
                       random.uniform(-0.45, -0.25, count) * size[:, 2]], 1)
    yaw, pitch = random.uniform(-0.5, 0.5, count), random.uniform(-0.05, 0.3, count)
    places = ((np.arange(side) + 0.5) / side * 2 - 1) * _ZOOM
    across, down = np.meshgrid(places, places)
    looking = np.broadcast_to(np.stack([across, down, np.ones_like(across)], 2).reshape(1, -1, 3), (count, side**2, 3))
    rays = _turned(_pitched(looking, pitch), yaw)
    depth, normal, place = met(room, origin, rays, inside=True)
    faces = _faces(normal)
    colour = random.uniform(0.35, 0.95, (count, 6, 3))[np.arange(count)[:, None], faces]
    for _ in range(_BOXES):
        half = random.uniform(0.15, 0.6, (count, 3))
        middle = np.stack([random.uniform(-0.4, 0.4, count) * size[:, 0], size[:, 1] / 2 - half[:, 1],
                           random.uniform(-0.1, 0.45, count) * size[:, 2]], 1)
        found, facing, at = met(Boxes(middle, half, random.uniform(0, np.pi, count)), origin, rays, inside=False)
        nearer = found < depth
        depth, normal = np.where(nearer, found, depth), np.where(nearer[..., None], facing, normal)
        place = np.where(nearer[..., None], at, place)
        own = random.uniform(0.1, 1.0, (count, 1, 3))
        colour = np.where(nearer[..., None], own, colour)
    lamp = np.stack([np.zeros(count), -size[:, 1] / 2 + 0.3, random.uniform(-0.3, 0.3, count) * size[:, 2]], 1)
    images = _lit(random, colour, (origin[:, None] + depth[..., None] * rays, normal, place), lamp)
    seen = _pitched(_turned(normal, -yaw), -pitch)
    square = (count, side, side)
    return (images.reshape(*square, 3), depth.reshape(square).astype(np.float32),
            seen.reshape(*square, 3).astype(np.float32), np.ones(square, bool))


def _pitched(vectors: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """``vectors`` (n, P, 3) turned about x, toward the floor, by ``pitch`` (n,)."""
    cos, sin = np.cos(pitch)[:, None], np.sin(pitch)[:, None]
    x, y, z = np.moveaxis(vectors, 2, 0)
    return np.stack([x, cos * y + sin * z, cos * z - sin * y], 2)


def _faces(normal: np.ndarray) -> np.ndarray:
    """Number of the room's face, from 0 to 5, by its normal."""
    axis = np.abs(normal).argmax(2)
    return 2 * axis + (np.take_along_axis(normal, axis[..., None], 2)[..., 0] > 0)


def _lit(
    random: np.random.Generator, colour: np.ndarray, surface: tuple[np.ndarray, np.ndarray, np.ndarray],
    lamp: np.ndarray,
) -> np.ndarray:
    """Pixels (n, P, 3), uint8, of a ``surface`` (points, normals, places on it) under a ``lamp`` (n, 3)."""
    point, normal, place = surface
    tiles = np.floor(place / 0.5).astype(int).sum(2) % 2  # Squares of half a metre.
    toward = lamp[:, None] - point
    distance = np.linalg.norm(toward, axis=2, keepdims=True).clip(0.1)
    lambert = np.abs((toward / distance * normal).sum(2, keepdims=True))
    light = 0.25 + 0.75 * lambert / (1 + 0.08 * distance**2)
    shade = colour * light * (0.82 + 0.18 * tiles[..., None])
    return (np.clip(shade + random.normal(0, 0.03, shade.shape), 0, 1) * 255 + 0.5).astype(np.uint8)

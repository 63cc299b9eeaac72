"""2D-3D-Semantics (S3DIS with images), as it is published: a folder for each area.

    DIR/area_N/data/rgb/NAME_domain_rgb.png          8 bits
    DIR/area_N/data/depth/NAME_domain_depth.png      16 bits: 1/512 m along the camera's axis; 65535: unknown
    DIR/area_N/data/normal/NAME_domain_normals.png   8 bits: (value - 127.5) / 127.5; (128, 128, 128): unknown

Area 5 (``area_5a``, ``area_5b``) is held out, as in the data set's first fold. Colours are averaged to the side that is
asked for; of depth and normals the pixel in the middle is taken, for an average over an edge is on neither side of it.

Ref: Armeni et al., Joint 2D-3D-Semantic Data for Indoor Scene Understanding (arXiv:1702.01105), section 3.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from spec.refusal import Refused
from train.data.dataset import Absent, check_memory
from train.data.pictures import deep, opened
from train.indoor.views import ROOM_DEPTHS, ViewData, Views

__all__ = ["load_stanford"]

_METRE, _UNKNOWN, _GREY = 512.0, 65535, 128

#: How far from 1 the length of a stored normal may be, and in which share of a picture's pixels it may be farther.
_UNIT, _EDGES = 0.05, 0.05


def load_stanford(folder: Path, side: int = 256, views: int = 0) -> ViewData:
    """Views of the data set in ``folder`` as images of ``side`` pixels; ``views`` of each part, or 0: all.

    Raises
    ------
    Refused
        If pictures are absent, damaged, of different size, of another unit or without unit normals.
    """
    areas = sorted(path for path in Path(folder).glob("area_*") if path.is_dir())
    parts = [[area for area in areas if area.name.startswith("area_5") == held_out] for held_out in (False, True)]
    if not all(parts):
        raise Absent(
            f"Folder {folder} must have area_5 (or area_5a and area_5b), to judge by, and other areas, to train on; "
            "unpack 2D-3D-Semantics there"
        )
    return ViewData("2d3ds", *(_views(part, side, views) for part in parts))


def _views(areas: list[Path], side: int, most: int) -> Views:
    pictures = sorted(path for area in areas for path in (area / "data" / "rgb").glob("*_domain_rgb.png"))
    if not pictures:
        raise Absent(f"Folder {areas[0]} has no picture data/rgb/*_domain_rgb.png; unpack 2D-3D-Semantics there")
    if most and most < len(pictures):
        pictures = [pictures[number * len(pictures) // most] for number in range(most)]
    check_memory(f"Data set {areas[0].parent}", (len(pictures), side, side, 3 + 4 * 4))
    found = [_view(picture, side) for picture in pictures]
    return Views(*(np.stack(arrays) for arrays in zip(*found, strict=True)))


def _view(picture: Path, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Image, depth, normals and flags of one view."""
    image = opened(picture, 3)
    depth_path, normal_path = (_beside(picture, *names) for names in (("depth", "depth"), ("normal", "normals")))
    stored, coded = deep(depth_path), np.asarray(opened(normal_path, 3))
    size = image.height, image.width
    for path, found in ((depth_path, stored.shape), (normal_path, coded.shape[:2])):
        if found != size:
            raise Refused(
                f"Picture {path} is {found[0]}x{found[1]}, but its image {size[0]}x{size[1]}; give maps of that size"
            )
    if size[0] != size[1]:
        raise Refused(f"Picture {picture} is {size[0]}x{size[1]}, no square; leave panoramas out")
    places = ((np.arange(side) + 0.5) * size[0] / side).astype(int)
    known = (stored != _UNKNOWN) & (stored > 0)
    depth = stored / _METRE
    middle = float(np.median(depth[known])) if known.any() else 1.0
    if not ROOM_DEPTHS[0] <= middle <= ROOM_DEPTHS[1]:
        raise Refused(
            f"Depth map {depth_path} has a middle depth of {middle:.3g} m, no room's; its unit must be 1/512 m"
        )
    normals, unit = _normals(coded, normal_path)
    rows = np.ix_(places, places)
    small = np.asarray(image.resize((side, side), Image.Resampling.BOX))
    return small, depth[rows].astype(np.float32), normals[rows], (known & unit)[rows]


def _normals(coded: np.ndarray, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (S, S, 3), float32, and where they are known."""
    there = (coded != _GREY).any(2)
    vectors = (coded - 127.5) / 127.5
    lengths = np.linalg.norm(vectors, axis=2)
    good = np.abs(lengths - 1) <= _UNIT
    wrong = int((there & ~good).sum())
    if wrong > _EDGES * max(1, int(there.sum())):
        raise Refused(
            f"Normals {path} are no unit vectors at {wrong:,} of {int(there.sum()):,} pixels; a value must be "
            "127.5 + 127.5 times the component"
        )
    return (vectors / lengths[..., None]).astype(np.float32), there & good


def _beside(picture: Path, folder: str, ending: str) -> Path:
    """The map that belongs to ``picture``."""
    path = picture.parents[1] / folder / picture.name.replace("_domain_rgb.png", f"_domain_{ending}.png")
    if not path.is_file():
        raise Absent(f"Picture {path} does not exist, but its image does; unpack all of data/{folder}")
    return path

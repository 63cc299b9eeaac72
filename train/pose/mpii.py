"""MPII Human Pose, as it is usually kept with the JSON form of its annotations.

    DIR/images/NAME.jpg
    DIR/annot/train.json    [{"image": NAME.jpg, "center": [x, y], "scale": s, "joints": [[x, y] x 16],
    DIR/annot/valid.json      "joints_vis": [0 or 1 x 16]}, ...]

A record is a person. Its coordinates are pixels counted from 1, and it is about ``200 * scale`` pixels tall. What
becomes an image is the square around it that Newell et al. cut out: the center moved down by ``15 * scale``, a side of
``1.25 * 200 * scale``; black where that is outside of the picture.

Ref: Andriluka et al., CVPR 2014; Newell et al., ECCV 2016, section 3.3.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from spec.budgets import Budget, check_file
from spec.refusal import Refused
from train.data.dataset import Absent, check_memory
from train.data.pictures import opened
from train.pose.poses import PoseData, Poses
from train.pose.skeleton import JOINTS

__all__ = ["load_mpii"]

_KEYS = ("image", "center", "scale", "joints", "joints_vis")

#: Pixels of a person's height to a unit of scale; how far the center is moved, in the same; sides of a square to it.
_PERSON, _DOWN, _ROOM = 200.0, 15.0, 1.25


def load_mpii(folder: Path, side: int = 256, people: int = 0) -> PoseData:
    """People of the data set in ``folder`` as images of ``side`` pixels; the first ``people`` of each part, or 0: all.

    Raises
    ------
    Refused
        If annotations or pictures are absent, damaged, without joints or of another skeleton.
    """
    parts = [_people(folder, folder / "annot" / f"{part}.json", side, people) for part in ("train", "valid")]
    return PoseData("mpii", *parts)


def _people(folder: Path, path: Path, side: int, people: int) -> Poses:
    records = _records(path)
    records = records[: people or len(records)]
    check_memory(f"Data set {path}", (len(records), side, side, 3))
    images = np.empty((len(records), side, side, 3), np.uint8)
    joints = np.empty((len(records), len(JOINTS), 2), np.float32)
    annotated = np.empty((len(records), len(JOINTS)), bool)
    for number, record in enumerate(records):
        where = f"Person {number} of {path}"
        center, scale, points, flags = _person(record, where)
        images[number], left, top, size = _square(_picture(folder, record["image"], where), center, scale, side, where)
        joints[number] = (points - (left, top) + 0.5) * (side / size) - 0.5
        inside = ((joints[number] >= -0.5) & (joints[number] < side - 0.5)).all(1)
        annotated[number] = flags & inside
    if not annotated.any():
        raise Refused(f"Annotations {path} have no joint that is known (joints_vis); give those of the training set")
    return Poses(images, joints, annotated)


def _records(path: Path) -> Sequence[Mapping]:
    remedy = "put the JSON form of MPII's annotations there"
    if not path.is_file():
        raise Absent(f"Annotations {path} do not exist; {remedy}")
    check_file(path, Budget.ANNOTATIONS, "Annotations", remedy)
    try:
        records = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise Refused(f"Annotations {path} are no JSON ({error}); {remedy}") from None
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise Refused(f"Annotations {path} must be a list of people, an object each; {remedy}")
    return records


def _person(record: Mapping, where: str) -> tuple[np.ndarray, float, np.ndarray, np.ndarray]:
    """Center (2,), scale, joints (16, 2), counted from 0, and whether they are known (16,)."""
    missing = [key for key in _KEYS if key not in record]
    if missing:
        raise Refused(f"{where} has no {missing[0]!r}; its keys must be {', '.join(_KEYS)}")
    points, flags = (_numbers(record[name], f"{where}: {name}") for name in ("joints", "joints_vis"))
    if points.shape != (len(JOINTS), 2) or flags.shape != (len(JOINTS),):
        raise Refused(
            f"{where} has joints {points.shape} and joints_vis {flags.shape}, not MPII's ({len(JOINTS)}, 2) and "
            f"({len(JOINTS)},); convert other skeletons first"
        )
    center, scale = _numbers(record["center"], f"{where}: center"), _numbers(record["scale"], f"{where}: scale")
    if center.shape != (2,) or scale.shape != () or not 0.01 <= scale <= 100:
        raise Refused(f"{where} needs a center [x, y] and a scale from 0.01 to 100, not {center} and {scale}")
    return center - 1, float(scale), points - 1, flags > 0


def _numbers(value: object, what: str) -> np.ndarray:
    try:
        found = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if not (np.isfinite(found) & (np.abs(found) < 1e6)).all():
        raise Refused(f"{what} must be numbers of pixels, not {value!r:.60}; mend the record")
    return found


def _picture(folder: Path, name: object, where: str) -> Path:
    if not isinstance(name, str) or Path(name).name != name or "\0" in name:
        raise Refused(f"{where}: image must be the name of a file in the folder images, not {name!r:.60}")
    path = folder / "images" / name
    if not path.is_file():
        raise Absent(f"{where}: picture {path} does not exist; get MPII's pictures, or take the person out")
    return path


def _square(path: Path, center: np.ndarray, scale: float, side: int, where: str) -> tuple[np.ndarray, int, int, int]:
    """The person as uint8 (side, side, 3), and left, top and size of the square in the picture, whole pixels."""
    picture = opened(path, 3)
    size = max(1, round(_ROOM * _PERSON * scale))
    left, top = (round(middle + 0.5 - size / 2) for middle in (center[0], center[1] + _DOWN * scale))
    # Reduced first, so that a large square is never made: what Pillow reads of it is what lies in the picture.
    box = (max(left, 0), max(top, 0), min(left + size, picture.width), min(top + size, picture.height))
    if box[0] >= box[2] or box[1] >= box[3]:
        raise Refused(f"{where} is outside of its picture {path.name}; mend its center and scale")
    share = side / size
    low = [round((box[axis] - (left, top)[axis]) * share) for axis in (0, 1)]
    high = [max(low[axis] + 1, round((box[axis + 2] - (left, top)[axis]) * share)) for axis in (0, 1)]
    part = picture.resize((high[0] - low[0], high[1] - low[1]), Image.Resampling.BILINEAR, box=box)
    whole = Image.new("RGB", (side, side))
    whole.paste(part, tuple(low))
    return np.asarray(whole), left, top, size

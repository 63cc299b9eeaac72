"""MPII's layout, written small: what is read of it, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from spec.refusal import Refused
from train.pose.mpii import load_mpii


def person(**changes):
    """A person of 200 * 0.32 = 64 pixels in a picture of 200x150."""
    joints = [[80.0 + number, 61.0] for number in range(16)]
    return {"image": "a.png", "center": [81.0, 71.0], "scale": 0.32, "joints": joints, "joints_vis": [1] * 16} | changes


def written(folder, train, valid=None):
    (folder / "images").mkdir(exist_ok=True)
    (folder / "annot").mkdir(exist_ok=True)
    pixels = np.zeros((150, 200, 3), np.uint8)
    pixels[58:63, 88:93] = 255  # around pixel (90, 60) from 0: joint 11 is at (91, 61) from 1
    Image.fromarray(pixels).save(folder / "images" / "a.png")
    for name, people in (("train", train), ("valid", valid or [person()])):
        (folder / "annot" / f"{name}.json").write_text(people if isinstance(people, str) else json.dumps(people))
    return folder


@pytest.mark.parametrize("center", [[81.0, 71.0], [91.0, 61.0], [60.0, 20.0], [120.0, 90.0]])
def test_a_joint_is_on_its_pixels(tmp_path, center):
    data = load_mpii(written(tmp_path, [person(center=center)]), side=80)  # a square of 80 pixels: as they are
    poses = data.train
    assert poses.images.shape == (1, 80, 80, 3)
    bright = np.argwhere(poses.images[0, :, :, 0] > 128)
    np.testing.assert_allclose(poses.joints[0, 11], bright.mean(0)[::-1], atol=0.01)


def test_a_joint_is_on_its_pixels_when_scaled(tmp_path):
    poses = load_mpii(written(tmp_path, [person(scale=0.64)]), side=64).train
    image = poses.images[0, :, :, 0].astype(float)
    rows, columns = np.mgrid[:64, :64]
    middle = [(image * places).sum() / image.sum() for places in (columns, rows)]
    np.testing.assert_allclose(poses.joints[0, 11], middle, atol=0.3)


def test_unknown_and_outside_joints_are_not_annotated(tmp_path):
    joints = [[80.0, 61.0]] * 15 + [[199.0, 149.0]]
    poses = load_mpii(written(tmp_path, [person(joints=joints, joints_vis=[0] + [1] * 15)]), side=40).train
    assert poses.annotated[0].tolist() == [False] + [True] * 14 + [False]


def test_only_the_first_people(tmp_path):
    data = load_mpii(written(tmp_path, [person()] * 5), side=16, people=3)
    assert (len(data.train), len(data.held_out)) == (3, 1)


@pytest.mark.parametrize(("train", "message"), [
    ("[", "are no JSON"), ("{}", "must be a list of people"), ([], "must be a list of people"),
    ([person(joints_vis=[0] * 16)], "have no joint that is known"),
    ([person(joints=[[1, 2]] * 17, joints_vis=[1] * 17)], "not MPII's .* convert other skeletons"),
    ([person(joints=[])], "not MPII's"), ([person(joints="many")], "joints must be numbers of pixels"),
    ([{"image": "a.png"}], "has no 'center'"), ([person(image="b.png")], "picture .*b.png does not exist"),
    ([person(image="../a.png")], "must be the name of a file"), ([person(image=7)], "must be the name of a file"),
    ([person(scale=0)], "scale from 0.01 to 100"), ([person(center=[1e5, 0])], "outside of its picture"),
    ([person(center=[1, float("nan")])], "center must be numbers"),
])
def test_bad_annotations_are_refused(tmp_path, train, message):
    with pytest.raises(Refused, match=message):
        load_mpii(written(tmp_path, train), side=16)


def test_no_annotations_are_refused(tmp_path):
    with pytest.raises(Refused, match=r"train.json do not exist; put the JSON form"):
        load_mpii(tmp_path)

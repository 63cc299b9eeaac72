"""A set of views checks itself, and its errors are measured over known pixels."""

import numpy as np
import pytest

from spec.refusal import Refused
from train.indoor.views import ViewData, Views, rmse


def views(count=2, side=4, **changes):
    normals = np.zeros((count, side, side, 3), np.float32)
    normals[..., 2] = -1
    arrays = {
        "images": np.zeros((count, side, side, 3), np.uint8), "depth": np.full((count, side, side), 2, np.float32),
        "normals": normals, "known": np.ones((count, side, side), bool),
    }
    return Views(**arrays | changes)


def test_errors_are_over_known_pixels():
    good = views()
    depth, normals = good.depth.copy(), good.normals.copy()
    assert rmse(depth, normals, good) == (0, 0)
    depth[0, 0, 0] += 4
    normals[1, 1, 1] = 1, 0, 0
    far, turned = rmse(depth, normals, good)
    assert far == pytest.approx((16 / 32) ** 0.5)
    assert turned == pytest.approx((2 / (3 * 32)) ** 0.5)
    good.known[0, 0, 0] = good.known[1, 1, 1] = False
    assert rmse(depth, normals, good) == (0, 0)


def test_the_digest_is_of_everything():
    data = ViewData("a", views(), views())
    before = data.digest
    data.held_out.known[0, 0, 0] = False
    assert ViewData("a", data.train, data.held_out).digest != before


def test_what_is_no_view_is_refused():
    good = views()
    for wrong, message in (
        ({"depth": np.ones((2, 4, 5), np.float32)}, "bring them to one size"),
        ({"normals": good.normals[:, :2]}, "bring them to one size"),
        ({"known": ~good.known}, "No pixel of 2 views has depth and normal"),
        ({"depth": 1000 * good.depth}, "middle depth of 2 views is 2e.03, no room's; give metres"),
        ({"depth": 0 * good.depth}, "no room's; give metres"),
        ({"normals": 0.9 * good.normals}, "must be unit vectors, but the length of one is off by 0.1"),
        ({"normals": np.nan * good.normals}, "must be unit vectors"),
    ):
        with pytest.raises(Refused, match=message):
            views(**wrong)


def test_what_is_unknown_need_not_be_right():
    good = views()
    good.known[0, 0, 0] = False
    good.normals[0, 0, 0] = 7
    assert len(views(normals=good.normals, known=good.known)) == 2

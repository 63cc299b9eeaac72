"""Rays meet boxes where geometry says; depth and normals of rooms agree with each other."""

import numpy as np
import pytest

from train.indoor.raycast import Boxes, met, rooms, synthetic_rooms


def one(middle=(0, 0, 5), half=(1, 1, 1), yaw=0.0):
    return Boxes(np.array([middle], float), np.array([half], float), np.array([yaw]))


def seen(boxes, ray, inside=False, origin=(0, 0, 0)):
    distance, normal, place = met(boxes, np.array([origin], float), np.array([[ray]], float), inside)
    return float(distance[0, 0]), normal[0, 0], place[0, 0]


def test_faces_of_a_box():
    distance, normal, place = seen(one(), (0, 0, 1))
    assert distance == pytest.approx(4)
    np.testing.assert_allclose(normal, [0, 0, -1], atol=1e-9)
    np.testing.assert_allclose(place, [0, 0, -1], atol=1e-9)
    assert seen(one(), (0, 0, -1))[0] == np.inf
    assert seen(one(), (1, 0, 1))[0] == np.inf
    distance, normal, _ = seen(one(half=(9, 8, 7), middle=(0, 0, 0)), (0, 2, 0), inside=True)
    assert distance == pytest.approx(4)
    np.testing.assert_allclose(normal, [0, -1, 0], atol=1e-9)


def test_a_turned_box():
    distance, normal, _ = seen(one(yaw=np.pi / 4), (0.001, 0, 1))
    assert distance == pytest.approx(5 - np.sqrt(2), abs=0.01)
    np.testing.assert_allclose(np.abs(normal), [np.sqrt(0.5), 0, np.sqrt(0.5)], atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_depth_and_normals_agree(seed):
    """Within a plane, neighbours differ at right angles to its normal; only edges of parallel faces do not."""
    views = rooms(4, 40, seed)
    places = ((np.arange(40) + 0.5) / 40 * 2 - 1) * 0.9
    rays = np.stack([*np.meshgrid(places, places), np.ones((40, 40))], 2)
    points = views.depth[..., None] * rays
    assert np.abs(np.linalg.norm(views.normals, axis=3) - 1).max() < 1e-5
    assert ((views.normals * rays).sum(3) < 0).all()  # Every surface faces the camera.
    for axis in (1, 2):
        step = np.diff(points, axis=axis)
        first, second = (np.take(views.normals, range(a, a + 39), axis) for a in (0, 1))
        out = np.abs((step * first).sum(3))
        same = np.abs(first - second).max(3) < 1e-6
        assert same.mean() > 0.8
        assert (out[same] < 1e-5).mean() > 0.97
        assert len(np.unique(np.round(views.normals.reshape(-1, 3), 3), axis=0)) > 6


def test_rooms_are_of_their_seed_and_all_different():
    data = synthetic_rooms(70, 3, 8)
    assert (len(data.train), len(data.held_out)) == (70, 3)
    assert synthetic_rooms(70, 3, 8).digest == data.digest != synthetic_rooms(70, 3, 8, seed=1).digest
    images = np.concatenate([data.train.images, data.held_out.images])
    assert len({image.tobytes() for image in images}) == 73
    assert data.train.depth.dtype == np.float32
    assert data.train.known.all()

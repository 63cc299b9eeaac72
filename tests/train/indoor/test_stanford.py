"""2D-3D-S's layout, written small: what is read of it, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from spec.refusal import Refused
from train.indoor.stanford import load_stanford

NAME = "camera_1_office_3_frame_0_domain"


def written(folder, area="area_1", name=NAME, side=8, **changes):
    """A view: two metres away on the left, four on the right, where the wall looks to the left."""
    rgb = np.zeros((side, side, 3), np.uint8)
    rgb[:, : side // 2] = 200
    depth = np.full((side, side), 1024, np.uint16)
    depth[:, side // 2 :] = 2048
    normals = np.zeros((side, side, 3), np.uint8) + np.array([127, 128, 0], np.uint8)
    normals[:, side // 2 :] = 0, 127, 128
    arrays = {"rgb": rgb, "depth": depth, "normals": normals} | changes
    for kind, array in arrays.items():
        below = folder / area / "data" / ("normal" if kind == "normals" else kind)
        below.mkdir(parents=True, exist_ok=True)
        if array is not None:
            Image.fromarray(array).save(below / f"{name}_{kind}.png")
    return folder


@pytest.fixture
def both(tmp_path):
    return written(written(tmp_path), "area_5a")


def test_a_view_is_read(both):
    data = load_stanford(both, side=4)
    assert data.name == "2d3ds"
    view = data.train
    assert view.images[0, 0, :, 0].tolist() == [200, 200, 0, 0]
    assert view.depth[0, 0].tolist() == [2, 2, 4, 4]
    np.testing.assert_allclose(view.normals[0, 0, [0, 3]], [[0, 0, -1], [-1, 0, 0]], atol=0.01)
    assert view.known.all()


def test_unknown_pixels(tmp_path):
    depth = np.full((8, 8), 1024, np.uint16)
    depth[0, :] = 65535
    normals = np.zeros((8, 8, 3), np.uint8) + np.array([127, 128, 0], np.uint8)
    normals[1, :] = 128
    normals[2, 0] = 127, 128, 60  # On an edge, of no length 1.
    written(written(tmp_path, depth=depth, normals=normals), "area_5")
    known = load_stanford(tmp_path, side=8).train.known[0]
    assert known.sum() == 8 * 8 - 8 - 8 - 1
    assert not known[:2].any()
    assert not known[2, 0]


def test_parts_and_numbers(both):
    for number in range(6):
        written(both, "area_3", f"camera_{number}_hall_1_frame_0_domain")
        written(both, "area_5b", f"camera_{number}_hall_1_frame_0_domain")
    data = load_stanford(both, side=4)
    assert (len(data.train), len(data.held_out)) == (7, 7)
    assert len(load_stanford(both, side=4, views=3).train) == 3


GREY = np.full((8, 8, 3), 160, np.uint8)


@pytest.mark.parametrize(("changes", "message"), [
    ({"depth": np.full((6, 8), 1024, np.uint16)}, "is 6x8, but its image 8x8; give maps of that size"),
    ({"normals": GREY[:4]}, "is 4x8, but its image 8x8"),
    ({"depth": np.full((8, 8), 9, np.uint8)}, "must have one channel of 16 bits, not mode L"),
    ({"depth": np.full((8, 8), 3, np.uint16)}, r"a middle depth of 0.00586 m, no room's; its unit must be 1/512 m"),
    ({"depth": np.full((8, 8), 40000, np.uint16)}, r"a middle depth of 78.1 m, no room's"),
    ({"normals": GREY}, r"are no unit vectors at 64 of 64 pixels; a value must be 127.5"),
    ({"depth": None}, r"domain_depth.png does not exist, but its image does; unpack all of data/depth"),
    ({"normals": None}, r"domain_normals.png does not exist"),
    ({"rgb": np.zeros((8, 9, 3), np.uint8), "depth": np.full((8, 9), 999, np.uint16),
      "normals": np.zeros((8, 9, 3), np.uint8)}, "no square; leave panoramas out"),
])
def test_bad_views_are_refused(tmp_path, changes, message):
    written(written(tmp_path, **changes), "area_5")
    with pytest.raises(Refused, match=message):
        load_stanford(tmp_path, side=4)


def test_absent_areas_are_refused(tmp_path):
    with pytest.raises(Refused, match=r"must have area_5 .* and other areas"):
        load_stanford(tmp_path, side=4)
    (tmp_path / "area_1").mkdir()
    (tmp_path / "area_5").mkdir()
    with pytest.raises(Refused, match="has no picture"):
        load_stanford(tmp_path, side=4)

"""Pictures in files: decoded, and brought to one size."""

import numpy as np
import pytest
from PIL import Image

from spec.refusal import Refused
from train.data.pictures import Form, array_of, deep, opened


@pytest.fixture
def path(tmp_path):
    return tmp_path / "p.png"


@pytest.mark.parametrize(("mode", "channels", "becomes"), [
    ("L", 0, "L"), ("1", 0, "L"), ("LA", 0, "L"), ("RGB", 0, "RGB"), ("RGBA", 0, "RGB"), ("P", 0, "RGB"),
    ("RGB", 1, "L"), ("L", 3, "RGB"),
])
def test_channels(path, mode, channels, becomes):
    Image.new(mode, (3, 2)).save(path)
    assert opened(path, channels).mode == becomes


def pattern(height: int, width: int) -> Image.Image:
    """Every pixel is its column, from 1."""
    return Image.fromarray(np.tile(np.arange(1, width + 1, dtype=np.uint8), (height, 1)))


def test_a_picture_of_the_size_stays_as_it_is(path):
    for how in ("none", "fit", "crop"):
        assert array_of(path, pattern(4, 6), Form((4, 6), 1, how))[..., 0].tolist() == [[1, 2, 3, 4, 5, 6]] * 4


def test_the_whole_fits_with_black_around(path):
    pixels = array_of(path, pattern(4, 8), Form((8, 8), 1, "fit"))[..., 0]
    assert pixels[2:6].tolist() == [[1, 2, 3, 4, 5, 6, 7, 8]] * 4
    assert not pixels[[0, 1, 6, 7]].any()


def test_the_middle_is_cut_out(path):
    assert array_of(path, pattern(4, 8), Form((4, 4), 1, "crop"))[..., 0].tolist() == [[3, 4, 5, 6]] * 4
    assert array_of(path, pattern(8, 4), Form((4, 4), 1, "crop"))[..., 0].tolist() == [[1, 2, 3, 4]] * 4
    assert array_of(path, pattern(5, 3), Form((40, 7), 1, "crop")).shape == (40, 7, 1)


def test_what_is_not_of_the_form_is_refused(path):
    with pytest.raises(Refused, match=r"p\.png is 4x8, not 8x4; give --resize fit or crop$"):
        array_of(path, pattern(4, 8), Form((8, 4), 1))
    with pytest.raises(Refused, match=r"p\.png has 1 channels, not 3; give --channels 1 or 3"):
        array_of(path, pattern(4, 8), Form((4, 8), 3))


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_what_cannot_be_read_is_refused(tmp_path, name):
    with pytest.raises(Refused, match="cannot be read"):
        opened(tmp_path / name)


def test_deep_pictures_have_16_bits(tmp_path):
    values = np.arange(6, dtype=np.uint16).reshape(2, 3) * 10000
    Image.fromarray(values).save(tmp_path / "a.png")
    assert np.array_equal(deep(tmp_path / "a.png"), values)
    Image.fromarray(values.astype(np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(Refused, match="must have one channel of 16 bits, not mode L"):
        deep(tmp_path / "b.png")
    (tmp_path / "c.png").write_bytes(b"no picture")
    with pytest.raises(Refused, match="it is no picture"):
        deep(tmp_path / "c.png")

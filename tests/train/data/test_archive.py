"""Images of one's own in an archive: what it may hold, and what is refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spec.refusal import Refused
from train.data import load_dataset


@pytest.fixture
def arrays():
    images = np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6)
    return {
        "train_images": images, "train_labels": np.array([0, 1, 2, 1, 0], np.uint8),
        "test_images": images[:2], "test_labels": np.array([2, 0], np.int32),
    }


def load(path: Path, arrays: dict):
    np.savez(path, **arrays)
    return load_dataset(str(path), Path("nowhere"))


def test_grey_images_without_names(arrays, tmp_path):
    dataset = load(tmp_path / "my-set.npz", arrays)
    assert (dataset.name, dataset.classes, dataset.class_names, dataset.image) == ("my-set", 3, (), (4, 6, 1))
    assert np.array_equal(dataset.train_images[..., 0], arrays["train_images"])
    assert dataset.test_labels.tolist() == [2, 0]
    assert dataset.test_labels.dtype == np.int64


def test_coloured_images_with_names(arrays, tmp_path):
    arrays |= {name: np.stack([arrays[name]] * 3, -1) for name in ("train_images", "test_images")}
    dataset = load(tmp_path / "x.npz", arrays | {"class_names": ["ant", "bee", "cat", "dog"]})
    assert (dataset.classes, dataset.class_names, dataset.image) == (4, ("ant", "bee", "cat", "dog"), (4, 6, 3))


@pytest.mark.parametrize(("change", "message"), [
    ({"train_images": np.zeros((5, 4, 6), np.int16)}, r"Array train_images in .* must be .*, not int16 \(5, 4, 6, 1\)"),
    ({"train_images": np.zeros((5, 4, 6, 2), np.uint8)}, r"with C of 1 or 3, not uint8 \(5, 4, 6, 2\)"),
    ({"test_images": np.zeros((0, 4, 6), np.uint8)}, "Array test_images in archive"),
    ({"test_images": np.zeros((2, 4, 4), np.uint8)}, "of different sizes"),
    ({"train_labels": np.zeros(4, int)}, r"train_labels in .* must be integers of shape \(5,\), not int64 \(4,\)"),
    ({"train_labels": np.zeros(5)}, "not float64"),
    ({"train_labels": np.full(5, -1)}, "must hold labels from 0 to 65535"),
    ({"train_labels": np.full(5, 1 << 40)}, "must hold labels from 0 to 65535"),
    ({"train_labels": np.zeros(5, int), "test_labels": np.zeros(2, int)}, "labels up to 0 and 1 classes"),
    ({"class_names": ["ant", "bee"]}, "labels up to 2 and 2 classes"),
    ({"class_names": ["a", "a", "b"]}, "Class name 'a' of archive .* must be that of one class"),
    ({"class_names": ["a", "b", "c" * 65]}, "must have at most 64 characters, not 65"),
    ({"class_names": np.array(["a", None, 3], object)}, r"^Array class_names\.npy in archive .* does not hold"),
])
def test_what_is_wrong_is_refused(arrays, tmp_path, change, message):
    with pytest.raises(Refused, match=message):
        load(tmp_path / "x.npz", arrays | change)


def test_what_an_array_declares_is_checked_before_it_is_read(arrays, tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if name != "train_images"})
    for shape, message in (((1 << 40, 4, 6), "bytes of images, more"), ((6, 4, 6), "does not hold what it declares")):
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        large = path.with_name(f"{shape[0]}.npz")
        with zipfile.ZipFile(large, "w") as written, zipfile.ZipFile(path) as old:
            for name in old.namelist():
                written.writestr(name, old.read(name))
            written.writestr("train_images.npy", header.getvalue() + bytes(5 * 4 * 6))
        with pytest.raises(Refused, match=message):
            load_dataset(str(large), Path("nowhere"))


def test_what_is_no_archive(tmp_path):
    (tmp_path / "x.npz").write_text("no")
    with pytest.raises(Refused, match=r"Archive .*x\.npz cannot be read .*; write it with numpy\.savez"):
        load_dataset(str(tmp_path / "x.npz"), Path("nowhere"))
    np.savez(tmp_path / "y.npz", images=np.zeros(3))
    with pytest.raises(Refused, match="has no array train_images; it must have train_images, train_labels"):
        load_dataset(str(tmp_path / "y.npz"), Path("nowhere"))


def no_array(content):
    return content.replace(b"(5, 4, 6)", b"(((((((((")


def newer(content):
    """Of a version of the format that nobody reads."""
    place = content.index(b"PK\1\2") + 6
    return content[:place] + b"\x7f" + content[place + 1 :]


def unknown(content):
    """Compressed in a way that nobody knows."""
    place = content.index(b"PK\1\2") + 10
    return content[:place] + b"\x63" + content[place + 1 :]


@pytest.mark.parametrize("damage", [no_array, newer, unknown])
def test_whatever_its_readers_raise_is_a_sentence(arrays, tmp_path, damage):
    load(tmp_path / "x.npz", arrays)
    content = (tmp_path / "x.npz").read_bytes()
    assert damage(content) != content
    (tmp_path / "x.npz").write_bytes(damage(content))
    with pytest.raises(Refused, match=r"x.npz cannot be read \(.*\); write it with numpy.savez"):
        load_dataset(str(tmp_path / "x.npz"), tmp_path)

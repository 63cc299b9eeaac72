"""IDX files: what is read, and every kind of damage."""

import gzip

import numpy as np
import pytest

from spec.refusal import Refused
from train.data import load_dataset


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


@pytest.fixture
def folder(tmp_path):
    """Four small files, half of them compressed, below the folder that is given."""
    rng = np.random.default_rng(1)
    below = tmp_path / "mnist"
    below.mkdir()
    for part, count in (("train", 7), ("t10k", 3)):
        images, labels = rng.integers(0, 256, (count, 28, 28)), np.arange(count)
        (below / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (below / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_images_and_labels_are_read(folder):
    for given in (folder, folder / "mnist"):
        dataset = load_dataset("mnist", given)
        rng = np.random.default_rng(1)
        assert np.array_equal(dataset.train_images[..., 0], rng.integers(0, 256, (7, 28, 28)))
        assert np.array_equal(dataset.test_images[..., 0], rng.integers(0, 256, (3, 28, 28)))
        assert dataset.train_images.dtype == np.uint8
        assert (dataset.train_labels.tolist(), dataset.test_labels.tolist()) == (list(range(7)), [0, 1, 2])
        assert (dataset.image, dataset.classes) == ((28, 28, 1), 10)


def rewrite(change):
    def apply(folder):
        path = folder / "mnist" / "t10k-labels-idx1-ubyte"
        path.write_bytes(change(path.read_bytes()))
    return apply


def truncate_packed(folder):
    path = folder / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])


def no_gzip(folder):
    (folder / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"page not found")


def remove(folder):
    (folder / "mnist" / "train-images-idx3-ubyte.gz").unlink()


@pytest.mark.parametrize(("damage", "sentence"), [
    (rewrite(lambda content: content[:-1]), r"says 3 values, but holds only 2; get it again"),
    (rewrite(lambda content: content + b"\0"), r"says 3 values, but holds more; get it again"),
    (rewrite(lambda content: content[:5]), "is no IDX file of 1-dimensional unsigned bytes"),
    (rewrite(lambda content: b"\0\0\x0d" + content[3:]), "is no IDX file of 1-dimensional unsigned bytes"),
    (rewrite(lambda content: content[:-1] + b"\x0a"), "Labels of t10k in .* go up to 10, not 9"),
    (rewrite(lambda content: idx(np.zeros(4))), "hold 3 images, but 4 labels"),
    (truncate_packed, "is damaged or truncated"),
    (no_gzip, "is damaged or truncated"),
    (remove, r"train-images-idx3-ubyte does not exist, nor does .*\.gz beside it; --data must name the folder"),
])
def test_damage_is_refused(folder, damage, sentence):
    damage(folder)
    with pytest.raises(Refused, match=sentence):
        load_dataset("mnist", folder)

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


def declare(*sizes):
    """A header of these sizes, and nothing behind it: their product wraps in 64 bits."""
    def apply(folder):
        (folder / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(
            bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in sizes)
        ))
    return apply


def bomb(folder):
    """A small file that unpacks to more than a gigabyte, of which its header declares 8 bytes."""
    content = gzip.compress(bytes([0, 0, 8, 3]) + b"".join(bytes([0, 0, 0, 2]) for _ in range(3)))
    zeros = gzip.compress(bytes(1 << 24), 9)
    (folder / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(content + gzip.compress(bytes(8)) + zeros * 80)


def remove(folder):
    (folder / "mnist" / "train-images-idx3-ubyte.gz").unlink()


@pytest.mark.parametrize(("damage", "sentence"), [
    (declare(2**31, 2**31, 4), r"has about 2\*\*64 bytes of images, more than the 4,294,967,296 allowed"),
    (declare(60_000, 28, 28), "says 60000x28x28 values, but holds only 0; get it again"),
    (bomb, "says 2x2x2 values, but holds more; get it again"),
    (rewrite(lambda content: content[:-1]), r"says 3 values, but holds only 2; get it again"),
    (rewrite(lambda content: content + b"\0"), r"says 3 values, but holds more; get it again"),
    (rewrite(lambda content: content[:5]), "is no IDX file of 1-dimensional unsigned bytes"),
    (rewrite(lambda content: b"\0\0\x0d" + content[3:]), "is no IDX file of 1-dimensional unsigned bytes"),
    (rewrite(lambda content: content[:-1] + b"\x0a"), "Labels of t10k in .* go up to 10, not 9"),
    (rewrite(lambda content: idx(np.zeros(4))), "hold 3 images, but 4 labels"),
    (truncate_packed, "is damaged or truncated"),
    (no_gzip, "is damaged or truncated"),
    (remove, r"train-images-idx3-ubyte does not exist, nor its \.gz; --data must name the folder"),
])
def test_damage_is_refused(folder, damage, sentence):
    damage(folder)
    with pytest.raises(Refused, match=sentence):
        load_dataset("mnist", folder)

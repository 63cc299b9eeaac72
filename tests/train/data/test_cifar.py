"""CIFAR's binary versions: planes become pixels, the fine label counts, damage is refused."""

import numpy as np
import pytest

from spec.refusal import Refused
from train.data import load_dataset

FILES = {
    "cifar10": ("cifar-10-batches-bin", [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"], 1),
    "cifar100": ("cifar-100-binary", ["train.bin", "test.bin"], 2),
}


@pytest.fixture(params=FILES)
def written(request, tmp_path):
    """Name, folder, and the records of every file."""
    name = request.param
    below, files, labels = FILES[name]
    (tmp_path / below).mkdir()
    rng, records = np.random.default_rng(2), {}
    for file in files:
        records[file] = rng.integers(0, 256, (3, labels + 3072), dtype=np.uint8)
        records[file][:, :labels] = rng.integers(0, 10, (3, labels))
        (tmp_path / below / file).write_bytes(records[file].tobytes())
    return name, tmp_path, records


def test_pixels_and_labels(written):
    name, folder, records = written
    dataset = load_dataset(name, folder)
    _, files, labels = FILES[name]
    assert dataset.image == (32, 32, 3)
    assert dataset.classes == int(name.removeprefix("cifar"))
    train = np.concatenate([records[file] for file in files[:-1]])
    test = records[files[-1]]
    for images, found, part in (
        (dataset.train_images, dataset.train_labels, train), (dataset.test_images, dataset.test_labels, test),
    ):
        assert found.tolist() == part[:, labels - 1].tolist()
        for n, y, x, c in ((0, 0, 0, 0), (1, 5, 31, 2), (len(part) - 1, 31, 30, 1)):
            assert images[n, y, x, c] == part[n, labels + c * 1024 + y * 32 + x]


def test_truncated_records_and_wrong_labels_are_refused(written):
    name, folder, _ = written
    below, files, labels = FILES[name]
    path = folder / below / files[-1]
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(Refused, match=f"has {len(content) - 1} bytes, no whole number of {labels + 3072}-byte records"):
        load_dataset(name, folder)
    path.write_bytes(b"")
    with pytest.raises(Refused, match="has 0 bytes"):
        load_dataset(name, folder)
    path.write_bytes(content[: labels - 1] + b"\xff" + content[labels:])
    with pytest.raises(Refused, match="go up to 255, not"):
        load_dataset(name, folder)
    path.unlink()
    with pytest.raises(Refused, match=rf"{files[-1]} does not exist; --data must name the folder .*kriz/cifar.html"):
        load_dataset(name, folder)

"""CIFAR-10 and CIFAR-100: the official binary versions."""

from pathlib import Path

import numpy as np

from spec.budgets import Budget, check_file
from spec.refusal import Refused
from train.data.dataset import Absent, Dataset

__all__ = ["cifar10", "cifar100"]

#: Of CIFAR-10, as its page has them.
_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE


def cifar10(folder: Path) -> Dataset:
    """``data_batch_1.bin`` to ``data_batch_5.bin`` and ``test_batch.bin``: a label byte, then 3072 pixel bytes.

    Ref: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
    """
    train = [_records(folder / f"data_batch_{i}.bin", labels=1, classes=10) for i in range(1, 6)]
    images, labels = (np.concatenate(part) for part in zip(*train, strict=True))
    test = _records(folder / "test_batch.bin", labels=1, classes=10)
    return Dataset("cifar10", images, labels, *test, classes=10, class_names=_NAMES)


def cifar100(folder: Path) -> Dataset:
    """``train.bin`` and ``test.bin``: coarse and fine label bytes, then 3072 pixel bytes; the fine label counts."""
    parts = [_records(folder / f"{part}.bin", labels=2, classes=100) for part in ("train", "test")]
    return Dataset("cifar100", *parts[0], *parts[1], classes=100)


def _records(path: Path, *, labels: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 32, 32, 3) and the last of the ``labels`` label bytes of every record in ``path``."""
    if not path.is_file():
        raise Absent(f"CIFAR file {path} does not exist")
    check_file(path, Budget.IMAGES, "CIFAR file", "get it again")
    content = np.frombuffer(path.read_bytes(), np.uint8)
    size = labels + _PIXELS
    if not len(content) or len(content) % size:
        raise Refused(
            f"CIFAR file {path} has {len(content)} bytes, no whole number of {size}-byte records; get it again"
        )
    records = content.reshape(-1, size)
    found = records[:, labels - 1].astype(np.int64)
    if found.max() >= classes:
        raise Refused(f"Labels in CIFAR file {path} go up to {found.max()}, not {classes - 1}; get it again")
    # Planes of red, green and blue -> (n, 32, 32, 3)
    images = records[:, labels:].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), found

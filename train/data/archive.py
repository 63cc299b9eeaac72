"""Images of one's own in a numpy archive (``.npz``)."""

import zipfile
from pathlib import Path

import numpy as np

from spec.budgets import Budget
from spec.names import check_class_names
from spec.refusal import Refused
from train.data.dataset import Dataset, check_memory, name_of

__all__ = ["archive"]

_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")

#: Readers of a header of an array in a file, by its version.
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def archive(path: Path) -> Dataset:
    """``train_images`` and ``test_images`` (uint8, (n, H, W) or (n, H, W, C) with C of 1 or 3), ``train_labels`` and
    ``test_labels`` (integers from 0, (n,)) and, if it is there, ``class_names`` (texts) of the archive at ``path``.

    Classes are as many as there are names, or one more than the largest label of training.

    Raises
    ------
    Refused
        If it is no such archive, or takes too much memory, told by what its headers declare before they are followed.
    """
    try:
        with zipfile.ZipFile(path) as opened:
            present = {name.removesuffix(".npy") for name in opened.namelist()}
            for name in _ARRAYS:
                if name not in present:
                    raise Refused(f"Archive {path} has no array {name}; it must have {', '.join(_ARRAYS)}")
            for name in present & {*_ARRAYS, "class_names"}:
                _check_header(path, opened, f"{name}.npy")
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in _ARRAYS}
            names = arrays["class_names"].tolist() if "class_names" in present else []
    except Refused:
        raise
    except Exception as error:  # Whatever the readers of zip, of zlib and of numpy raise; sizes were asked before.
        raise Refused(f"Archive {path} cannot be read ({error}); write it with numpy.savez") from None
    for part in ("train", "test"):
        found[f"{part}_images"] = _images(path, part, found[f"{part}_images"])
        found[f"{part}_labels"] = _labels(path, part, found[f"{part}_labels"], len(found[f"{part}_images"]))
    if found["train_images"].shape[1:] != found["test_images"].shape[1:]:
        raise Refused(f"Archive {path} has images to train on and to test on of different sizes; make them the same")
    names = check_class_names(names, f"archive {path}")
    most = max(found["train_labels"].max(), found["test_labels"].max()) + 1
    classes = len(names) or int(most)
    if not classes >= 2 or most > classes:
        raise Refused(f"Archive {path} has labels up to {most - 1} and {classes} classes; there must be two or more")
    arrays = (found[name] for name in ("train_images", "train_labels", "test_images", "test_labels"))
    return Dataset(name_of(path), *arrays, classes=classes, class_names=names)


def _check_header(path: Path, opened: zipfile.ZipFile, name: str) -> None:
    """Refuse an array that declares more than the file holds, or more than there is memory for."""
    with opened.open(name) as file:
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise Refused(f"Array {name} in archive {path} is none that numpy.savez writes; write it so")
        shape, _, dtype = _HEADERS[version](file)
        held = opened.getinfo(name).file_size - file.tell()
    check_memory(f"Array {name} in archive {path}", (*shape, dtype.itemsize) if shape else (1, dtype.itemsize))
    if dtype.hasobject or int(np.prod(shape, dtype=object)) * dtype.itemsize != held:
        raise Refused(f"Array {name} in archive {path} does not hold what it declares; write it with numpy.savez")


def _images(path: Path, part: str, images: np.ndarray) -> np.ndarray:
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
        raise Refused(
            f"Array {part}_images in archive {path} must be uint8 (n, H, W) or (n, H, W, C) with C of 1 or 3, not "
            f"{images.dtype} {images.shape}"
        )
    return np.ascontiguousarray(images)


def _labels(path: Path, part: str, labels: np.ndarray, count: int) -> np.ndarray:
    if labels.dtype.kind not in "iu" or labels.shape != (count,):
        raise Refused(
            f"Array {part}_labels in archive {path} must be integers of shape ({count},), not {labels.dtype} "
            f"{labels.shape}"
        )
    if labels.min() < 0 or labels.max() >= Budget.CLASSES.most:
        raise Refused(f"Array {part}_labels in archive {path} must hold labels from 0 to {Budget.CLASSES.most - 1}")
    return labels.astype(np.int64)

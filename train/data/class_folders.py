"""Pictures of one's own: a folder per class, decoded into memory."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from console.progress import progress_bars
from spec.names import check_class_names
from spec.refusal import Refused
from train.data.dataset import Dataset, check_memory, name_of
from train.data.pictures import PICTURES, Form, array_of, opened, pictures_in

__all__ = ["class_folders"]

#: Without a test folder, one picture of a class in this many is held out.
_HELD_OUT_EVERY = 5

_TRAIN, _TEST = "train", ("test", "val")


def class_folders(folder: Path, form: Form) -> Dataset:
    """Pictures in ``FOLDER/train/CLASS`` and ``FOLDER/test/CLASS`` (or ``val``), or all in ``FOLDER/CLASS``, of which
    every fifth of a class, from the first by name, is held out. Classes count in the order of their names.

    Without a size all pictures must be of one, and without channels of as many.

    Raises
    ------
    Refused
        If there are fewer than two classes, a class without a picture, classes that differ, or pictures that are no
        pictures, are links, are not of ``form``, or take too much memory.
    """
    test = next((folder / name for name in _TEST if (folder / _TRAIN).is_dir() and (folder / name).is_dir()), None)
    train = folder / _TRAIN if test else folder
    names = _classes(train)
    if test and (other := _classes(test)) != names:
        odd = min(set(names) ^ set(other))
        raise Refused(f"Class {odd!r} is in one of {train} and {test}, but not in the other; classes must be the same")
    pictures = _pictures(train, names)
    if test:
        kept, held = _labelled(pictures), _labelled(_pictures(test, names))
    else:
        _refuse_single(train, names, pictures)
        kept = _labelled([[one for i, one in enumerate(own) if i % _HELD_OUT_EVERY] for own in pictures])
        held = _labelled([own[::_HELD_OUT_EVERY] for own in pictures])
    full = _complete(form, kept[0][0])
    check_memory(f"Folder {folder}", (len(kept) + len(held), *full.size, full.channels))
    arrays = (*_decoded(kept, full, form.channels), *_decoded(held, full, form.channels))
    return Dataset(name_of(folder), *arrays, classes=len(names), class_names=tuple(names))


def _classes(folder: Path) -> list[str]:
    found = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    for path in found:
        if path.is_symlink():
            raise Refused(f"Class folder {path} is a link; put the folder itself there")
    names = list(check_class_names([path.name for path in found], f"{folder}"))
    if len(names) < 2:
        raise Refused(
            f"Folder {folder} must hold a folder of pictures for each of two or more classes; it holds {len(names)}"
        )
    return names


def _pictures(folder: Path, names: Sequence[str]) -> list[list[Path]]:
    """The pictures of each class, by name."""
    found = [pictures_in(folder / name) for name in names]
    for name, pictures in zip(names, found, strict=True):
        if not pictures:
            endings = ", ".join(PICTURES)
            raise Refused(f"Class folder {folder / name} holds no picture ({endings}); fill it or remove it")
    return found


def _refuse_single(folder: Path, names: Sequence[str], found: Sequence[list[Path]]) -> None:
    """Refuse a class of one picture, which cannot be both trained on and held out."""
    for name, pictures in zip(names, found, strict=True):
        if len(pictures) < 2:
            raise Refused(
                f"Class folder {folder / name} holds one picture, but one is trained on and one held out; add some"
            )


def _labelled(found: Sequence[list[Path]]) -> list[tuple[Path, int]]:
    return [(path, label) for label, pictures in enumerate(found) for path in pictures]


def _complete(form: Form, first: Path) -> Form:
    """``form``, where what it leaves open is as in the picture ``first``."""
    if form.size and form.channels:
        return form
    picture = opened(first, form.channels)
    size = tuple(form.size) or (picture.height, picture.width)
    return replace(form, size=size, channels=len(picture.getbands()))


def _decoded(found: Sequence[tuple[Path, int]], form: Form, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of ``form`` and labels; pictures are decoded with so many ``channels``, or as many as they have for 0."""
    images = np.empty((len(found), *form.size, form.channels), np.uint8)
    with progress_bars(transient=True) as progress:
        for place, (path, _) in enumerate(progress.track(found, description="decoding pictures")):
            images[place] = array_of(path, opened(path, channels), form)
    return images, np.array([label for _, label in found], np.int64)

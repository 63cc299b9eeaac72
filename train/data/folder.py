"""ImageNet and its like: a folder per class, images decoded when they are needed."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from spec.refusal import Refused
from train.data.dataset import Absent, Dataset
from train.data.pictures import opened

__all__ = ["FolderImages", "image_folder"]

#: Side of what the network sees, and of the shorter side before its middle is cut out.
_SIDE, _SHORTER = 224, 256

_SUFFIXES = (".jpeg", ".jpg", ".png")

#: Share of the area and aspect ratio of a random crop.
_AREA, _RATIO = (0.08, 1.0), (3 / 4, 4 / 3)


@dataclass(frozen=True)
class FolderImages:
    """Images in files, 224x224x3: resized so that the shorter side has 256 pixels, then the middle of it.

    Parameters
    ----------
    root : Path
    names : tuple of str
        Relative to ``root``.
    sizes : tuple of int
        Bytes of each file.
    """

    root: Path
    names: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number of images, height, width, channels."""
        return (len(self.names), _SIDE, _SIDE, 3)

    @property
    def identity(self) -> bytes:
        """What tells these images from others without decoding them."""
        return "".join(f"{name} {size}\n" for name, size in zip(self.names, self.sizes, strict=True)).encode()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, chosen) -> np.ndarray:
        return np.stack([self.centred(int(i)) for i in np.atleast_1d(np.arange(len(self))[chosen])])

    def subset(self, chosen: Sequence[int]) -> "FolderImages":
        """The images of these numbers."""
        return FolderImages(
            self.root, tuple(self.names[i] for i in chosen), tuple(self.sizes[i] for i in chosen)
        )

    def centred(self, index: int) -> np.ndarray:
        """Image ``index`` as it is judged: uint8 (224, 224, 3)."""
        image = self._decoded(index)
        scale = _SHORTER / min(image.size)
        width, height = (max(_SHORTER, round(side * scale)) for side in image.size)
        left, top = (width - _SIDE) // 2, (height - _SIDE) // 2
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))[
            top : top + _SIDE, left : left + _SIDE
        ]

    def cropped(self, index: int, draws: Sequence[float]) -> np.ndarray:
        """Image ``index`` as it is trained on: a random part of it, perhaps mirrored, as uint8 (224, 224, 3).

        ``draws`` are five uniform numbers: area, aspect ratio, top, left, mirror. A part that does not fit becomes the
        largest that does.
        """
        image = self._decoded(index)
        width, height = image.size
        area = width * height * (_AREA[0] + draws[0] * (_AREA[1] - _AREA[0]))
        ratio = _RATIO[0] * (_RATIO[1] / _RATIO[0]) ** draws[1]  # uniform in its logarithm
        wide = min(width, max(1, round((area * ratio) ** 0.5)))
        high = min(height, max(1, round((area / ratio) ** 0.5)))
        top, left = int(draws[2] * (height - high + 1)), int(draws[3] * (width - wide + 1))
        part = image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, box=(left, top, left + wide, top + high))
        pixels = np.asarray(part)
        return pixels[:, ::-1] if draws[4] < 0.5 else pixels

    def _decoded(self, index: int) -> Image.Image:
        return opened(self.root / self.names[index], channels=3)


def image_folder(name: str, folder: Path) -> Dataset:
    """``FOLDER/train/CLASS/*`` and ``FOLDER/val/CLASS/*``; classes count in the order of their names.

    Ref: Russakovsky et al., ImageNet Large Scale Visual Recognition Challenge, IJCV 2015.
    """
    classes = _subfolders(folder / "train")
    if _subfolders(folder / "val") != classes:
        raise Refused(f"Folders train and val in {folder} have different classes; get them again")
    parts = []
    for part in ("train", "val"):
        names, sizes, labels = [], [], []
        for label, class_name in enumerate(classes):
            with os.scandir(folder / part / class_name) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    if entry.name.lower().endswith(_SUFFIXES):
                        names.append(f"{class_name}/{entry.name}")
                        sizes.append(entry.stat().st_size)
                        labels.append(label)
        if not names:
            raise Refused(f"Folder {folder / part} holds no images ({', '.join(_SUFFIXES)})")
        parts += [FolderImages(folder / part, tuple(names), tuple(sizes)), np.array(labels, np.int64)]
    return Dataset(name, *parts, classes=len(classes), class_names=tuple(classes))


def _subfolders(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise Absent(f"Folder {folder} does not exist")
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))

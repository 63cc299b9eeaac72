"""Files of data sets: IDX, CIFAR, archives of numpy, pictures, folders of them."""

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.fuzz.mutate import damaged_bytes
from tests.fuzz.worker import Make
from train.data.archive import archive
from train.data.cifar import cifar10
from train.data.class_folders import class_folders
from train.data.idx import read_idx
from train.data.pictures import RESIZES, Form, array_of, opened

__all__ = ["data_files"]

_SIZES = (0, 1, 2, 3, 4, 255, 1000, 60_000, 100_000, 2**16, 2**25, 2**31 - 1, 2**31, 2**32 - 1)
_BOMB_BYTES = 200 << 20


def _damaged(content: bytes, rng: random.Random) -> bytes:
    return damaged_bytes(content, rng) if rng.random() < 0.6 else content


def _idx(rng: random.Random, folder: Path, bomb: bytes) -> Callable[[], object]:
    path, dimensions = folder / "idx", rng.choice((1, 3))
    (folder / "idx.gz").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    shape = tuple(rng.choice(_SIZES) if rng.random() < 0.3 else 2 for _ in range(dimensions))
    content = bytes([0, 0, 8, dimensions]) + struct.pack(f">{dimensions}I", *shape) + bytes(2**dimensions)
    if rng.random() < 0.5:
        path.write_bytes(_damaged(content, rng))
    else:
        packed = gzip.compress(content, 1, mtime=0) if rng.random() < 0.9 else bomb
        (folder / "idx.gz").write_bytes(_damaged(packed, rng))
    return lambda: read_idx(path, dimensions)


def _png(width: int, height: int) -> bytes:
    """A PNG that declares that size, and holds next to nothing."""
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def _picture_bytes(rng: random.Random) -> tuple[bytes, str]:
    kind = rng.choice(("png", "jpeg", "bmp", "declared"))
    if kind == "declared":
        return _png(rng.choice(_SIZES) & 0x7FFFFFFF, rng.choice(_SIZES) & 0x7FFFFFFF), ".png"
    buffer = io.BytesIO()
    mode = rng.choice(("L", "RGB", "1", "P", "RGBA", "LA", "I;16") if kind == "png" else ("L", "RGB"))
    Image.new(mode, rng.choice(((4, 4), (1, 1), (200, 1), (5, 3)))).save(buffer, kind)
    return buffer.getvalue(), f".{kind}"


def _picture(rng: random.Random, folder: Path, bomb: bytes) -> Callable[[], object]:
    content, suffix = _picture_bytes(rng)
    path, channels, form = folder / f"p{suffix}", rng.choice((0, 1, 3)), rng.choice(RESIZES)
    path.write_bytes(_damaged(content, rng))

    def use() -> None:
        picture = opened(path, channels)
        array_of(path, picture, Form((4, 4), len(picture.getbands()), form))

    return use


def _archive(rng: random.Random, folder: Path, bomb: bytes) -> Callable[[], object]:
    path = folder / "a.npz"
    arrays = {
        "train_images": np.zeros((4, 2, 2), np.uint8), "test_images": np.zeros((2, 2, 2), np.uint8),
        "train_labels": np.arange(4) % 2, "test_labels": np.arange(2),
        **({"class_names": np.array(["a", rng.choice(("b", "\x1b", "a", "x" * 99))])} if rng.random() < 0.3 else {}),
    }
    name = rng.choice(sorted(arrays))
    change = rng.randrange(6)
    if change == 0:
        del arrays[name]
    elif change == 1 and name != "class_names":
        arrays[name] = arrays[name].astype(rng.choice((np.float64, np.int8, np.uint16, np.bool_, object, "S3")))
    elif change == 2:
        arrays[name] = np.zeros(rng.choice(((), (0,), (2,), (4, 0, 2), (4, 2, 2, 3), (1, 1, 1, 1, 1))), np.uint8)
    buffer = io.BytesIO()
    (np.savez if rng.random() < 0.5 else np.savez_compressed)(buffer, **arrays)
    content = buffer.getvalue()
    if rng.random() < 0.3:  # A header that says something else, in an archive that is whole.
        rewritten = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(rewritten, "w") as new:
            for entry in old.namelist():
                inner = old.read(entry)
                if entry == f"{name}.npy":
                    inner = rng.choice((
                        inner.replace(b"(4,", f"({rng.choice(_SIZES)},".encode()), damaged_bytes(inner, rng), b"",
                    ))
                new.writestr(zipfile.ZipInfo(entry), inner)  # Without the time of day.
        content = rewritten.getvalue()
    path.write_bytes(_damaged(content, rng))
    return lambda: archive(path)


def _cifar(rng: random.Random, folder: Path, bomb: bytes) -> Callable[[], object]:
    record = bytes([rng.choice((0, 9, 10, 255))]) + bytes(3072)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (folder / f"{name}.bin").write_bytes(record)
    odd = folder / f"{rng.choice(('data_batch_3', 'test_batch'))}.bin"
    odd.write_bytes(damaged_bytes(record, rng))
    return lambda: cifar10(folder)


def _folders(rng: random.Random, folder: Path, bomb: bytes) -> Callable[[], object]:
    root = folder / "classes"
    names = ["ant", "bee"]
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(2):
            content, _ = _picture_bytes(rng)
            (root / name / f"{number}.png").write_bytes(_damaged(content, rng) if rng.random() < 0.5 else _png(4, 4))
    form = Form(rng.choice(((), (4, 4), (1024, 1024))), rng.choice((0, 1, 3)), rng.choice(RESIZES))
    return lambda: class_folders(root, form)


def data_files(folder: Path) -> Make:
    """Damaged files of every kind that data sets come in."""
    bomb = gzip.compress(bytes([0, 0, 8, 1]) + struct.pack(">I", 4) + bytes(_BOMB_BYTES), 1, mtime=0)
    kinds = (_idx, _idx, _picture, _picture, _picture, _archive, _archive, _cifar, _folders)
    return lambda rng: rng.choice(kinds)(rng, folder, bomb)

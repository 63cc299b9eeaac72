"""MNIST and its relatives: the IDX files, compressed or not."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from spec.refusal import Refused
from train.data.dataset import Absent, Dataset, check_memory

__all__ = ["idx_dataset", "read_idx"]

#: Third byte of the magic number: unsigned bytes.
_UNSIGNED_BYTE = 8

_PART = 1 << 24  #: Bytes that are read at a time.

_CLASSES = 10

#: Of Fashion-MNIST, as its page has them; digits are called by their numbers.
_NAMES = {
    "fashion-mnist": (
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ),
}


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Array of unsigned bytes in an IDX file (or that file with ``.gz``): two zero bytes, type 8, the number of
    dimensions, each size as a big-endian 32-bit word, then the values.

    Raises
    ------
    Refused
        If there is no such file, or it is no whole IDX file of that many dimensions.
    """
    path = Path(path)
    packed = path.with_name(f"{path.name}.gz")
    if path.is_file():
        with open(path, "rb") as file:
            return _array(path, file, dimensions)
    if not packed.is_file():
        raise Absent(f"IDX file {path} does not exist, nor its .gz")
    try:
        with gzip.open(packed) as file:
            return _array(packed, file, dimensions)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Refused(f"IDX file {packed} is damaged or truncated ({error}); get it again") from None


def _array(path: Path, file: BinaryIO, dimensions: int) -> np.ndarray:
    """What ``file`` holds; no more of it is read, or unpacked, than it says it holds."""
    header = file.read(4 + 4 * dimensions)
    if len(header) < 4 + 4 * dimensions or header[:4] != bytes([0, 0, _UNSIGNED_BYTE, dimensions]):
        raise Refused(f"File {path} is no IDX file of {dimensions}-dimensional unsigned bytes; get it again")
    shape = struct.unpack_from(f">{dimensions}I", header, 4)
    size = math.prod(shape)
    check_memory(f"IDX file {path}", shape)
    content = bytearray()
    while len(content) <= size and (part := file.read(min(_PART, size + 1 - len(content)))):
        content += part
    if len(content) != size:
        holds = f"only {len(content)}" if len(content) < size else "more"
        raise Refused(f"IDX file {path} says {'x'.join(map(str, shape))} values, but holds {holds}; get it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def idx_dataset(name: str, folder: Path) -> Dataset:
    """28x28 images in the four files that MNIST and Fashion-MNIST come in, in ``folder``.

    Ref: LeCun et al., Proc. IEEE 86(11), 1998; Xiao et al., arXiv:1708.07747.
    """
    arrays = []
    for part in ("train", "t10k"):
        images = read_idx(folder / f"{part}-images-idx3-ubyte", 3)
        labels = read_idx(folder / f"{part}-labels-idx1-ubyte", 1)
        if len(images) != len(labels):
            raise Refused(
                f"Files {part}-* in {folder} hold {len(images)} images, but {len(labels)} labels; get them again"
            )
        if len(labels) and labels.max() >= _CLASSES:
            raise Refused(f"Labels of {part} in {folder} go up to {labels.max()}, not {_CLASSES - 1}; get them again")
        arrays += [images[..., None], labels.astype(np.int64)]
    return Dataset(name, *arrays, classes=_CLASSES, class_names=_NAMES.get(name, ()))

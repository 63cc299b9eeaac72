"""MNIST and its relatives: the IDX files, compressed or not."""

import gzip
import zlib
from pathlib import Path

import numpy as np

from spec.refusal import Refused
from train.data.dataset import Absent, Dataset

__all__ = ["idx_dataset", "read_idx"]

#: Third byte of the magic number: unsigned bytes.
_UNSIGNED_BYTE = 8

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
        content = path.read_bytes()
    elif packed.is_file():
        path = packed
        try:
            content = gzip.decompress(packed.read_bytes())
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise Refused(f"IDX file {packed} is damaged or truncated ({error}); get it again") from None
    else:
        raise Absent(f"IDX file {path} does not exist, nor does {packed.name} beside it")
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes([0, 0, _UNSIGNED_BYTE, dimensions]):
        raise Refused(f"File {path} is no IDX file of {dimensions}-dimensional unsigned bytes; get it again")
    shape = tuple(np.frombuffer(content[4:header], ">u4").astype(int))
    if len(content) - header != np.prod(shape):
        raise Refused(
            f"IDX file {path} says {'x'.join(map(str, shape))} values, but holds {len(content) - header}; get it again"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


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

"""Data sets by name."""

from pathlib import Path

from spec.refusal import Refused
from train.data.cifar import cifar10, cifar100
from train.data.dataset import Absent, Dataset
from train.data.digits import digits
from train.data.folder import image_folder
from train.data.idx import idx_dataset

__all__ = ["DATASETS", "load_dataset"]

#: Names, where the official files lie inside the folder that is given (or in it itself), and where they come from.
_FILES = {
    "mnist": ("mnist", "the four IDX files of MNIST, from yann.lecun.com or any mirror"),
    "fashion-mnist": (
        "fashion-mnist",
        "the four IDX files of Fashion-MNIST, from github.com/zalandoresearch/fashion-mnist; on Debian "
        "`apt-get install dataset-fashion-mnist` and --data /usr/share/datasets",
    ),
    "cifar10": ("cifar-10-batches-bin", "the CIFAR-10 binary version, from www.cs.toronto.edu/~kriz/cifar.html"),
    "cifar100": ("cifar-100-binary", "the CIFAR-100 binary version, from www.cs.toronto.edu/~kriz/cifar.html"),
    "imagenet": ("imagenet", "ImageNet as train/CLASS/*.JPEG and val/CLASS/*.JPEG, from www.image-net.org"),
}

DATASETS = ("digits", *_FILES)


def load_dataset(name: str, data_dir: Path) -> Dataset:
    """Dataset called ``name``; its files are looked for in ``data_dir`` (``digits`` needs none).

    Raises
    ------
    Refused
        If there is no such dataset, or its files are absent (with a sentence on where to get them), truncated or wrong.
    """
    if name not in DATASETS:
        raise Refused(f"Unknown dataset {name!r}; the datasets are {', '.join(DATASETS)}")
    if name == "digits":
        return digits()
    below, origin = _FILES[name]
    folder = Path(data_dir) / below
    if not folder.is_dir():
        folder = Path(data_dir)
    try:
        match name:
            case "cifar10":
                return cifar10(folder)
            case "cifar100":
                return cifar100(folder)
            case "imagenet":
                return image_folder(name, folder)
            case _:
                return idx_dataset(name, folder)
    except Absent as absence:
        raise Refused(f"{absence}; --data must name the folder that holds {origin}") from None

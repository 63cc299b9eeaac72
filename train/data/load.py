"""Data sets by name, or by the path of one's own."""

from pathlib import Path

from spec.refusal import Refused
from train.data.archive import archive
from train.data.cifar import cifar10, cifar100
from train.data.class_folders import class_folders
from train.data.dataset import Absent, Dataset
from train.data.digits import digits
from train.data.folder import image_folder
from train.data.idx import idx_dataset
from train.data.pictures import Form

__all__ = ["DATASETS", "load_dataset"]

#: Names, where the official files lie inside the folder that is given (or in it itself), and where they come from.
_FILES = {
    "mnist": ("mnist", "the four IDX files of MNIST, from yann.lecun.com or any mirror"),
    "fashion-mnist": (
        "fashion-mnist",
        "the four IDX files of Fashion-MNIST, from github.com/zalandoresearch/fashion-mnist (or apt-get install "
        "dataset-fashion-mnist, into /usr/share/datasets)",
    ),
    "cifar10": ("cifar-10-batches-bin", "the CIFAR-10 binary version, from www.cs.toronto.edu/~kriz/cifar.html"),
    "cifar100": ("cifar-100-binary", "the CIFAR-100 binary version, from www.cs.toronto.edu/~kriz/cifar.html"),
    "imagenet": ("imagenet", "ImageNet as train/CLASS/*.JPEG and val/CLASS/*.JPEG, from www.image-net.org"),
}

#: What is given where nothing is asked of the images.
_AS_IT_IS = Form()

DATASETS = ("digits", *_FILES)


def load_dataset(name: str, data_dir: Path, form: Form = _AS_IT_IS) -> Dataset:
    """Data set ``name``: one of ``DATASETS``, whose files are looked for in ``data_dir`` (``digits`` needs none), or a
    folder of one's own (:func:`train.data.class_folders.class_folders`) or an archive
    (:func:`train.data.archive.archive`), by its path or that below ``data_dir``. Only pictures in one's own folder can
    be brought to another ``form``.

    Raises
    ------
    Refused
        If there is no such data set, its files are absent (with a sentence on where to get them), truncated or wrong,
        or it is not of ``form``.
    """
    if name not in DATASETS:
        return _own(name, Path(data_dir), form)
    dataset = _known(name, Path(data_dir))
    form.check(name, dataset.image)
    return dataset


def _own(name: str, data_dir: Path, form: Form) -> Dataset:
    for path in (Path(name), data_dir / name, data_dir / Path(name).name):
        if path.is_dir():
            return class_folders(path, form)
        if path.is_file() and path.suffix == ".npz":
            dataset = archive(path)
            form.check(f"{path}", dataset.image)
            return dataset
    raise Refused(
        f"Unknown dataset {name!r}; it must be one of {', '.join(DATASETS)}, or the path of a folder that has a folder "
        "of pictures per class, or of an .npz file"
    )


def _known(name: str, data_dir: Path) -> Dataset:
    if name == "digits":
        return digits()
    below, origin = _FILES[name]
    folder = data_dir / below
    if not folder.is_dir():
        folder = data_dir
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

"""The proof of a model file: two implementations that agree on everything stored, and the images they agree on."""

from pathlib import Path

from console.command import CommandParser, Whole
from spec import golden, model, vectors
from spec.refusal import Refused
from spec.vectors import Vectors
from train.data import Dataset
from train.deploy.deployed import DeployedNet

__all__ = ["MismatchError", "add_vectors", "proved", "store", "vectors_count", "vectors_path"]

_VECTORS = 32  #: Images of a vector file where nothing is said of them.

_SUFFIX = ".safetensors"


class MismatchError(Exception):
    """Torch and the golden model disagree: our bug, not bad input. The message says where they first differ."""


def add_vectors(parser: CommandParser) -> None:
    """Add ``--vectors``, for :func:`vectors_count`."""
    parser.add_argument(
        "--vectors", type=Whole(1, 1_000_000),
        help=f"held-out images in the vector file (default {_VECTORS}, or all of fewer)",
    )


def vectors_count(asked: int | None, dataset: Dataset) -> int:
    """Images of the vector file: as many as were ``asked`` for, refused if ``dataset`` holds out fewer.

    Raises
    ------
    Refused
        If it does.
    """
    have = len(dataset.test_images)
    if asked is not None and asked > have:
        raise Refused(f"Option --vectors must be from 1 to {have} images of {dataset.name}, not {asked}")
    return asked or min(_VECTORS, have)


def proved(deployed: model.Model, dataset: Dataset, count: int) -> tuple[Vectors, float]:
    """Vectors of the first ``count`` held-out images, by the deployed torch model, and its accuracy on all of them.

    Raises
    ------
    MismatchError
        If it and the golden model differ anywhere on those ``count`` images.
    """
    net = DeployedNet(deployed)
    images, labels = dataset.test_images, dataset.test_labels
    trace = net.run(images[:count])
    found = vectors.difference(golden.run(deployed, images[:count]), trace)
    if found:
        raise MismatchError(found)
    return Vectors(images[:count], labels[:count], trace), net.accuracy(images, labels)


def vectors_path(path: Path) -> Path:
    """Where the vectors of the model file ``path`` are: ``NAME.vectors.safetensors``."""
    if path.suffix != _SUFFIX:
        raise Refused(f"Option --out must name a {_SUFFIX} file, not {str(path)!r}")
    return path.with_suffix(f".vectors{_SUFFIX}")


def store(deployed: model.Model, proof: Vectors, path: Path) -> tuple[Path, Path]:
    """Write ``deployed`` to ``path`` and its vectors beside it; returns both paths.

    The model last: where it is, everything is.
    """
    beside = vectors.save(vectors_path(path), deployed, proof)
    return model.save(deployed, path), beside

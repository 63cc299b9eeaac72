"""Turn a trained checkpoint into a model file: integers only, on which two implementations provably agree.

    python -m train.export --checkpoint build/train/digits/checkpoint.pt --out build/digits.safetensors

Writes the model and, beside it, ``NAME.vectors.safetensors``: held-out images with everything the deployed torch model
stores on them. Same checkpoint, same bytes.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spec import golden, model, vectors
from spec.refusal import Refused, run_command
from spec.vectors import Vectors
from train import checkpoint
from train.data import Dataset, load_dataset
from train.deployed import DeployedNet
from train.quantize import calibrate, quantize
from train.trainer import accuracy

__all__ = ["MismatchError", "export", "main", "proved", "vectors_path"]

_SUFFIX = ".safetensors"


class MismatchError(Exception):
    """Torch and the golden model disagree: our bug, not bad input. The message says where they first differ."""


def export(state: dict, dataset: Dataset, calibration: int, count: int) -> tuple[model.Model, Vectors]:
    """Deploy the network of checkpoint ``state`` and prove it on the first ``count`` held-out images.

    Parameters
    ----------
    calibration : int
        Number of training images, from the first, that activation scales are taken from.

    Returns
    -------
    The model, its provenance holding recipe and accuracies, and its vectors by the deployed torch model.

    Raises
    ------
    Refused
        If the data is not what the network was trained on, a count is out of range, or the network cannot be stored.
    MismatchError
        If the deployed torch model and the golden model differ anywhere.
    """
    if state["dataset_sha256"] != dataset.digest:
        raise Refused(f"The checkpoint was trained on other images than {dataset.name} now holds; train it again")
    for option, value, limit in (
        ("calibration", calibration, len(dataset.train_images)), ("vectors", count, len(dataset.test_images)),
    ):
        if not 1 <= value <= limit:
            raise Refused(f"Option --{option} must be from 1 to {limit} images of {dataset.name}, not {value}")
    trained = checkpoint.restore(state)
    scales = calibrate(trained, dataset.train_images[:calibration])
    deployed = quantize(trained, scales, provenance={})
    proof, measured = proved(deployed, dataset, count)
    deployed = model.with_provenance(
        deployed,
        dataset=dataset.name, dataset_sha256=dataset.digest, held_out_images=len(dataset.test_images),
        float_accuracy=round(accuracy(trained, dataset.test_images, dataset.test_labels), 6),
        deployed_accuracy=round(measured, 6),
        recipe=state["settings"], epochs=state["epoch"], seed=state["settings"]["seed"],
        normalization=state["normalization"],
        calibration={"images": f"the first {calibration} training images", "rule": "max/255", "count": calibration},
        versions=state["versions"],
    )
    return deployed, proof


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


def _table(deployed: model.Model) -> Table:
    facts = deployed.provenance
    table = Table("deployed network", deployed.network.name, show_edge=False)
    table.add_row("weights", f"{sum(layer.weights for layer in deployed.network.layers):,}")
    table.add_row("mask", f"{deployed.mask_bits / 8:,.0f} bytes")
    table.add_row("batch-norm entries", f"{deployed.entry_count:,} x 4 bytes")
    table.add_row("float accuracy", f"{facts['float_accuracy']:.2%} of {facts['held_out_images']} held-out images")
    table.add_row("deployed accuracy", f"{facts['deployed_accuracy']:.2%}")
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = argparse.ArgumentParser(
        prog="python -m train.export", description="Turn a trained checkpoint into a model file.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--checkpoint", type=Path, default=Path("build/train/digits/checkpoint.pt"), help="written by train.fit")
    add("--out", type=Path, default=Path("build/digits.safetensors"), help="model file to write")
    add("--calibration", type=int, default=512, help="training images that activation scales are taken from")
    add("--vectors", type=int, default=32, help="held-out images in the vector file")
    add("--data", type=Path, default=Path("build/data"), help="folder with the files of data sets")
    add("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args(argv)
    beside = vectors_path(arguments.out)
    state = checkpoint.load(arguments.checkpoint)
    dataset = load_dataset(state["settings"]["dataset"], arguments.data)
    try:
        deployed, proof = export(state, dataset, arguments.calibration, arguments.vectors)
    except MismatchError as mismatch:
        print(f"error: torch and the golden model differ, so nothing was written: {mismatch}", file=sys.stderr)
        return 1
    # The model last: where it is, everything is.
    vectors.save(beside, deployed, proof)
    model.save(deployed, arguments.out)
    if arguments.json:
        print(json.dumps(
            deployed.provenance | {"model": str(arguments.out), "vectors": str(beside), "hash": deployed.hash}
        ))
    else:
        Console().print(_table(deployed))
        print(arguments.out)
        print(beside)
    return 0


if __name__ == "__main__":
    run_command(main)

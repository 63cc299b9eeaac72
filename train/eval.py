"""Judge a model file: accuracy of the integers on the held-out images, and whether two implementations agree on them.

    python -m train.eval --model build/digits.safetensors --dataset digits
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spec import golden, model, vectors
from spec.refusal import Refused, run_command
from train.data import Dataset, load_dataset
from train.deploy.deployed import DeployedNet

__all__ = ["evaluate", "main"]


def evaluate(deployed: model.Model, dataset: Dataset, batch: int = 64) -> dict:
    """Run every held-out image through the deployed torch model and the golden model.

    Returns
    -------
    dict with ``accuracy`` (of the torch model), ``images``, and ``difference``: None if every stored activation and
    every logit agrees, else where the first one that does not is.

    Raises
    ------
    Refused
        If the images or classes of ``dataset`` are not the network's.
    """
    if deployed.network.classes != dataset.classes:
        raise Refused(
            f"Network {deployed.network.name!r} knows {deployed.network.classes} classes, but {dataset.name} has "
            f"{dataset.classes}; evaluate it on the data it was trained on"
        )
    net = DeployedNet(deployed)
    correct = 0
    difference = None
    for start in range(0, len(dataset.test_images), batch):
        images = dataset.test_images[start : start + batch]
        trace = net.run(images)
        correct += int((trace.classes == dataset.test_labels[start : start + batch]).sum())
        if difference is None:
            difference = vectors.difference(golden.run(deployed, images), trace)
            if difference:
                difference = f"held-out images from {start}: {difference}"
    count = len(dataset.test_images)
    return {"accuracy": round(correct / count, 6), "images": count, "difference": difference}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``. Exit code 1 if the implementations differ."""
    parser = argparse.ArgumentParser(
        prog="python -m train.eval", description="Judge a model file on held-out images.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--model", type=Path, default=Path("build/digits.safetensors"), help="written by train.export")
    add("--dataset", default="digits")
    add("--data", type=Path, default=Path("build/data"), help="folder with the files of data sets")
    add("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args(argv)
    deployed = model.load(arguments.model)
    result = evaluate(deployed, load_dataset(arguments.dataset, arguments.data))
    exact = result["difference"] is None
    if arguments.json:
        print(json.dumps(result | {"model": str(arguments.model), "hash": deployed.hash, "bit_exact": exact}))
    else:
        table = Table("deployed network", deployed.network.name, show_edge=False)
        table.add_row("accuracy", f"{result['accuracy']:.2%} of {result['images']} held-out images")
        table.add_row("torch and golden model", "bit-exact" if exact else f"differ: {result['difference']}")
        Console().print(table)
    return 0 if exact else 1


if __name__ == "__main__":
    run_command(main)

"""Judge a model file: accuracy of the integers on the held-out images, and whether two implementations agree on them.

    python -m train.eval build/digits.safetensors --dataset digits
"""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from console.command import CommandParser, Whole, add_json
from console.record import json_text
from spec import golden, model, vectors
from spec.refusal import Refused, run_command
from train.data import DATASETS, Dataset, load_dataset
from train.deploy.deployed import DeployedNet

__all__ = ["evaluate", "main", "parser"]


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


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.eval", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("model", type=Path, help="model file, written by train.export")
    add("--dataset", default="digits", help=f"data set: {', '.join(DATASETS)} (default digits)")
    add("--shrink", type=Whole(1), default=1, help="average squares of so many pixels first (default 1)")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``. Exit code 1 if the implementations differ."""
    arguments = parser().parse_args(argv)
    deployed = model.load(arguments.model)
    result = evaluate(deployed, load_dataset(arguments.dataset, arguments.data).prepared(arguments.shrink, 0))
    exact = result["difference"] is None
    if arguments.json:
        print(json_text(result | {"model": str(arguments.model), "hash": deployed.hash, "bit_exact": exact}), end="")
    else:
        table = Table("deployed network", deployed.network.name, show_edge=False)
        table.add_row("accuracy", f"{result['accuracy']:.2%} of {result['images']} held-out images")
        table.add_row("torch and golden model", "bit-exact" if exact else f"differ: {result['difference']}")
        Console().print(table)
    return 0 if exact else 1


if __name__ == "__main__":
    run_command(main)

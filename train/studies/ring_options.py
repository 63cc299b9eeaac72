"""What the commands of the experiments have in common: options, data, results."""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spec.files import write_text
from train.data import DATASETS, Dataset, load_dataset
from train.data.prepared import prepared
from train.loop.options import integers
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.settings import read_recipe, recipe_names
from train.nets.config import SMALL
from train.studies.experiment import Experiment
from train.studies.statistics import mean_and_deviation

__all__ = [
    "common",
    "dataset_of",
    "experiment_of",
    "integers",
    "mean_and_deviation",
    "prepared",
    "processes_of",
    "publish",
    "recipe_of",
]


def some_integers(text: str) -> tuple[int, ...]:
    """Integers with commas between them, at least one."""
    found = integers(text)
    if not found:
        raise argparse.ArgumentTypeError("needs at least one integer")
    return found


def common(name: str, description: str, *, network: str = SMALL, width: int = 16) -> argparse.ArgumentParser:
    """Parser of ``python -m train.rpg.NAME`` with the options that all experiments have.

    The defaults are a few minutes of one CPU: 6000 images of Fashion-MNIST at 14x14 pixels, a small network.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m train.studies.{name}", description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--dataset", default="fashion-mnist", help=f"one of {', '.join(DATASETS)}")
    add("--data", type=Path, default=Path("build/data"), help="folder that holds the files of the data set")
    add("--shrink", type=int, default=2, help="average squares of so many pixels first; 1: images as they are")
    add("--images", type=int, default=6000, help="train on the first so many images; 0: on all")
    add("--network", default=network, help="small, resnet18, resnet34, ..., vit or repeated")
    add("--width", type=int, default=width, help="channels of the first stage (64 in the paper); dimensions of a vit")
    add("--recipe", help=f"TOML file with a section [training], or one of {', '.join(recipe_names())}, instead of the "
        "next four options")
    add("--epochs", type=int, default=4)
    add("--batch", type=int, default=64, help="images per step")
    add("--lr", type=float, default=0.05, help="peak learning rate of SGD, cosine schedule")
    add("--weight-decay", type=float, default=5e-4)
    add("--seeds", type=some_integers, default=(0,), help="a run each: permutations, flips, initial values, order")
    add("--device", default="auto", help="cpu, cuda or auto")
    add("--out", type=Path, default=Path("build/rpg") / name, help="folder of cells and results; finished cells stay")
    add("--json", action="store_true", help="print the result as JSON")
    return parser


def dataset_of(arguments: argparse.Namespace) -> Dataset:
    """The data set that the options of :func:`common` describe."""
    return prepared(load_dataset(arguments.dataset, arguments.data), arguments.shrink, arguments.images)


def recipe_of(arguments: argparse.Namespace) -> Recipe:
    """The recipe that the options of :func:`common` describe."""
    if arguments.recipe:
        return Recipe.from_json(read_recipe(arguments.recipe).get("training", {}))
    return Recipe(
        epochs=arguments.epochs, batch=arguments.batch, lr=arguments.lr, weight_decay=arguments.weight_decay
    )


def processes_of(arguments: argparse.Namespace) -> Processes:
    """This process on the device of the options, on one thread: sums split over threads round differently."""
    return Processes.start(arguments.device)


def experiment_of(arguments: argparse.Namespace, **settings) -> Experiment:
    """Experiment on the network of the options of :func:`common`, with other ``settings``."""
    return Experiment(network=arguments.network, width=arguments.width, **settings)


def publish(arguments: argparse.Namespace, result: dict, table: Table, *further: Path) -> None:
    """Write ``result.json`` into ``--out``; print ``table`` (or the result as JSON) and the paths of what was written.

    The result says which data and recipe it is of.
    """
    result = result | {
        "schema_version": 1,
        "command": {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()},
    }
    path = write_text(arguments.out / "result.json", json.dumps(result, indent=1) + "\n")
    if arguments.json:
        print(json.dumps(result))
        return
    Console().print(table)
    for written in (path, *further):
        print(written)

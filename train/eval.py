"""Judge a model file: accuracy of the integers on the held-out images, and whether two implementations agree on them.

    python -m train.eval build/digits.safetensors
    python -m train.eval build/animals.safetensors --dataset photos/animals --page build/animals.html

With ``--page`` it also writes a page: accuracy by class, what is taken for what, the worst mistakes and, with the
training's ``--log``, its curve.
"""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from console.command import CommandParser, Whole, add_json
from console.record import json_text
from console.screen import screen
from spec import model
from spec.budgets import Budget, check_file
from spec.files import output_file, write_text
from spec.refusal import Refused, run_command
from train.data import DATASETS, Dataset, load_dataset
from train.data.pictures import RESIZES, Form
from train.deploy.judgement import Judgement, judge
from train.loop.log import read_log
from train.loop.settings import Settings

__all__ = ["evaluate", "main", "parser"]


def evaluate(deployed: model.Model, dataset: Dataset) -> dict:
    """What :func:`train.deploy.judgement.judge` finds: ``accuracy``, ``by_class`` (by name), ``images`` and
    ``difference``, None if two implementations agree on every stored activation and every logit, else where they first
    do not.

    Raises
    ------
    Refused
        If the images or classes of ``dataset`` are not the network's.
    """
    return _facts(deployed, judge(deployed, dataset))


def _facts(deployed: model.Model, judgement: Judgement) -> dict:
    return {
        "accuracy": judgement.accuracy, "images": len(judgement.labels), "difference": judgement.difference,
        "by_class": dict(zip(deployed.class_names, judgement.by_class, strict=True)),
    }


def _dataset(deployed: model.Model, arguments: argparse.Namespace) -> Dataset:
    """The data that the options name, or else what the model says it was trained on."""
    if arguments.dataset is not None:
        height, width, channels = deployed.network.image
        own = arguments.dataset not in DATASETS
        form = Form((height, width), channels, arguments.resize) if own else Form()
        return load_dataset(arguments.dataset, arguments.data, form).prepared(arguments.shrink, 0)
    try:
        settings = Settings.from_json(deployed.provenance["recipe"])
    except (Refused, KeyError, TypeError, ValueError, AttributeError):
        raise Refused(f"Model {arguments.model} does not say what it was trained on; give --dataset") from None
    return settings.load(arguments.data)


def _log(path: Path | None) -> list[dict]:
    """Records of epochs in a log of train.fit; none without one."""
    if path is None:
        return []
    check_file(path, Budget.TEXT, "Log", "--log takes the log.jsonl that train.fit wrote")
    try:
        wanted = ("epoch", "loss", "held_out_accuracy")
        return [{name: float(record[name]) for name in wanted} for record in read_log(path)]
    except Refused:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(f"Log {path} cannot be read ({error}); --log takes the log.jsonl that train.fit wrote") from None


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.eval", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("model", type=Path, help="model file, written by train.export")
    add("--dataset", help=f"data set: {', '.join(DATASETS)}, a folder or an .npz file (default: what the model names)")
    add("--shrink", type=Whole(1, 1024), default=1, help="average squares of so many pixels first (default 1)")
    add("--resize", choices=RESIZES, default="none", help="how pictures get the network's size (default none)")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add("--page", type=Path, help="page to write, one HTML file that needs nothing else")
    add("--log", type=Path, help="log.jsonl of the training, whose curve the page shows")
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``. Exit code 1 if the implementations differ."""
    arguments = parser().parse_args(argv)
    if arguments.log and not arguments.page:
        raise Refused("Option --log is for the curve on a page; give --page as well")
    if arguments.page:
        output_file(arguments.page)  # Before the work, not after.
    log = _log(arguments.log)
    deployed = model.load(arguments.model)
    dataset = _dataset(deployed, arguments)
    judgement = judge(deployed, dataset)
    if arguments.page:
        # Here, because it takes a second to import (matplotlib).
        page = importlib.import_module("train.deploy.eval_page")
        write_text(arguments.page, page.eval_page(deployed, dataset, judgement, log))
    result, exact = _facts(deployed, judgement), judgement.difference is None
    if arguments.json:
        print(json_text(result | {"model": str(arguments.model), "hash": deployed.hash, "bit_exact": exact}), end="")
        return 0 if exact else 1
    table = Table("deployed network", deployed.network.name, show_edge=False)
    table.add_row("accuracy", f"{judgement.accuracy:.2%} of {result['images']} held-out images")
    for name, share in result["by_class"].items():
        table.add_row(Text(f"  class {name}"), "no images" if share is None else f"{share:.2%}")
    table.add_row("torch and golden model", "bit-exact" if exact else f"differ: {judgement.difference}")
    screen().print(table)
    if arguments.page:
        print(arguments.page)
    return 0 if exact else 1


if __name__ == "__main__":
    run_command(main)

"""What a model file sees in pictures: their classes, by the integers that run on the accelerator.

    python -m train.predict build/animals.safetensors photo.png --resize crop
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.table import Table
from rich.text import Text

from console.command import CommandParser, Whole, add_json
from console.record import json_text
from console.screen import screen
from spec import golden, model
from spec.budgets import Budget
from spec.refusal import run_command
from train.data.pictures import RESIZES, Form, array_of, opened

__all__ = ["main", "parser", "predict"]


def predict(deployed: model.Model, images: np.ndarray) -> list[list[tuple[str, int]]]:
    """For each of ``images`` (uint8, (B, H, W, C)) its classes and their logits, the largest first, by the golden
    model.

    Raises
    ------
    Refused
        If the images are not the network's.
    """
    names = deployed.class_names
    logits = golden.run(deployed, images).logits
    return [[(names[i], int(row[i])) for i in np.argsort(-row, kind="stable")] for row in logits]


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.predict", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("model", type=Path, help="model file, written by train.export")
    add("pictures", type=Path, nargs="+", metavar="picture", help="picture file")
    add("--resize", choices=RESIZES, default="none", help="how pictures get the network's size (default none)")
    add("--top", type=Whole(1, Budget.CLASSES.most), default=3, help="classes to print of each picture (default 3)")
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    deployed = model.load(arguments.model)
    height, width, channels = deployed.network.image
    form = Form((height, width), channels, arguments.resize)
    images = np.stack([array_of(path, opened(path, channels), form) for path in arguments.pictures])
    found = [classes[: arguments.top] for classes in predict(deployed, images)]
    if arguments.json:
        rows = [
            {"picture": str(path), "classes": [{"name": name, "logit": logit} for name, logit in classes]}
            for path, classes in zip(arguments.pictures, found, strict=True)
        ]
        print(json_text({"model": str(arguments.model), "hash": deployed.hash, "pictures": rows}), end="")
        return 0
    table = Table("picture", "class", show_edge=False)
    table.add_column("logit", justify="right")
    for path, classes in zip(arguments.pictures, found, strict=True):
        for place, (name, logit) in enumerate(classes):
            table.add_row(Text("" if place else str(path)), Text(name), f"{logit:,}")
    screen().print(table)
    return 0


if __name__ == "__main__":
    run_command(main)

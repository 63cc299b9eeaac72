"""Accuracy of a trained network whose recurrent blocks run more or fewer iterations than they were trained for.

    python -m train.studies.stretch --checkpoint build/train/digits/checkpoint.pt --by=-2,-1,0,1,2

Ref: Hidden-Fold Networks (IEEE Access 2023), section IV-E and Fig. 16; :mod:`train.nets.stretch`.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, Several, Whole, add_json, add_out
from console.record import json_text
from console.screen import screen
from spec.commands import RUNS_MAX
from spec.files import output_file, write_text
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.loop import checkpoint
from train.loop.settings import Settings
from train.loop.trainer import accuracy
from train.nets.model import ResidualNet
from train.nets.stretch import recalibrate, stretch

__all__ = ["main", "parser", "sweep"]

_CALIBRATION = 512  #: Training images to measure statistics on, where nothing is said of them.


def sweep(model: ResidualNet, dataset: Dataset, offsets: Sequence[int], calibration: int) -> list[dict]:
    """Held-out accuracy with each recurrent block stretched by each of ``offsets``, one block at a time (Fig. 16).

    Parameters
    ----------
    calibration : int
        Training images, from the first, to measure statistics on.

    Returns
    -------
    list of dict with ``block``, ``trained`` and ``iterations``, ``reused`` (accuracy with the statistics of training)
    and ``recalibrated`` (with statistics measured again); counts below 0 are left out.
    """
    rows = []
    for block in model.network.blocks:
        if block.iterations == 1:
            continue
        for iterations in (block.iterations + offset for offset in offsets):
            if iterations < 0:
                continue
            stretched = stretch(model, {block.name: iterations}).eval()
            row = {"block": block.name, "trained": block.iterations, "iterations": iterations}
            row["reused"] = round(accuracy(stretched, dataset.test_images, dataset.test_labels), 6)
            recalibrate(stretched, dataset.train_images[:calibration])
            row["recalibrated"] = round(accuracy(stretched, dataset.test_images, dataset.test_labels), 6)
            rows.append(row)
    return rows


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.studies.stretch", description=__doc__.splitlines()[0])
    add, usual = made.add_argument, Path("build/train/digits/checkpoint.pt")
    add("--checkpoint", type=Path, default=usual, help=f"written by train.fit (default {usual})")
    add("--by", type=Several(Whole(-RUNS_MAX, RUNS_MAX)), default=(-2, -1, 0, 1, 2),
        help="iterations more than trained, as in --by=-1,0,1 (default -2,-1,0,1,2)")
    add("--calibration", type=Whole(2, 1_000_000),
        help=f"training images to measure statistics on (default {_CALIBRATION}, or all of fewer)")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add_out(made, "file to write (default build/stretch.json)", Path("build/stretch.json"))
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    output_file(arguments.out)
    state = checkpoint.load(arguments.checkpoint)
    dataset = Settings.from_json(state["settings"]).load(arguments.data)
    have = len(dataset.train_images)
    if arguments.calibration is not None and arguments.calibration > have:
        raise Refused(f"Option --calibration must be from 2 to {have} images, not {arguments.calibration}")
    calibration = arguments.calibration or min(_CALIBRATION, have)
    rows = sweep(checkpoint.restore(state), dataset, arguments.by, calibration)
    if not rows:
        raise Refused(f"Checkpoint {arguments.checkpoint} has no recurrent block to stretch; train a folded network")
    text = json_text({"rows": rows})
    written = write_text(arguments.out, text)
    if arguments.json:
        print(text, end="")
        return 0
    table = Table("block", title="Held-out accuracy after stretching")
    for column in ("trained", "run", "statistics reused", "recalibrated"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["block"], str(row["trained"]), str(row["iterations"]), f"{row['reused']:.2%}",
            f"{row['recalibrated']:.2%}",
        )
    screen().print(table)
    print(written)
    return 0


if __name__ == "__main__":
    run_command(main)

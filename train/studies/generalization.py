"""Train-validation gaps and accuracy on corrupted images, at equal degrees of freedom and equal architecture.

    python -m train.studies.generalization --data DIR --seeds 0,1,2

A network whose weights come from a ring, the same network with all weights free, and one of ``--small-widths`` with
about as many free weights as the ring has values. Corrupted test images (:mod:`train.data.corrupted`) stand in
for ObjectNet; nothing is trained on them.

Ref: RPG (arXiv:2107.07110), section 5.6, "Generalizability", Table 8a and 8c.
"""

from collections.abc import Sequence

import numpy as np
from rich.table import Table
from torch import nn

from console.command import CommandParser, Several, Whole
from spec.refusal import run_command
from train.data import Dataset
from train.data.corrupted import CORRUPTIONS, STRENGTHS, corrupted
from train.fit import CHECKPOINT
from train.loop import checkpoint
from train.loop.processes import Processes
from train.loop.trainer import accuracy
from train.studies.cells import folder_of
from train.studies.variants import VANILLA, cells_of, mean_and_deviation, publish, ring_parser, run_variants

__all__ = ["judged", "main", "parser"]


def judged(model: nn.Module, dataset: Dataset, images: int, processes: Processes) -> dict:
    """Accuracy on the first ``images`` training and test images, and on those test images corrupted, by kind: a list
    by strength.
    """
    pictures, labels = dataset.test_images[:images], dataset.test_labels[:images]
    return {
        "train": accuracy(model, dataset.train_images[:images], dataset.train_labels[:images], processes=processes),
        "test": accuracy(model, pictures, labels, processes=processes),
        "corrupted": {
            kind: [
                accuracy(model, corrupted(pictures, kind, strength), labels, processes=processes)
                for strength in STRENGTHS
            ]
            for kind in CORRUPTIONS
        },
    }


def parser() -> CommandParser:
    """The command line."""
    made = ring_parser("generalization", __doc__.splitlines()[0], dof=36864)
    add = made.add_argument
    add("--small-widths", type=Several(Whole(1, 4096)), default=(8, 15, 30),
        help="channels of the stages of the smaller network (default 8,15,30: 37,743 weights of colours)")
    add("--judged", type=Whole(1, 1_000_000), default=2000,
        help="images of each measurement (default 2000)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    cells = cells_of({
        "ring": {}, "same network": VANILLA, "same DoF": VANILLA | {"widths": arguments.small_widths},
    }, arguments)
    dataset, processes = cells["ring"][0].settings.load(arguments.data), Processes.start(arguments.device)
    run_variants(cells, dataset, arguments)
    rows = []
    for name, group in cells.items():
        for cell in group:
            model = checkpoint.restore(checkpoint.load(folder_of(cell, arguments.out) / CHECKPOINT))
            model = model.to(processes.device).eval()
            free = sum(p.numel() for p in model.parameters() if p.dim() > 1)
            found = judged(model, dataset, arguments.judged, processes)
            rows.append({"network": name, "seed": cell.settings.seed, "free_weights": free} | found)
    table = Table("network", show_edge=False)
    for column in ("free weights", "train - test", "test, %", *(f"{kind}, %" for kind in CORRUPTIONS)):
        table.add_column(column, justify="right")
    for name in cells:
        mine = [row for row in rows if row["network"] == name]
        table.add_row(
            name, f"{mine[0]['free_weights']:,}",
            mean_and_deviation([row["train"] - row["test"] for row in mine]),
            mean_and_deviation([row["test"] for row in mine]),
            *(mean_and_deviation([float(np.mean(row["corrupted"][kind])) for row in mine]) for kind in CORRUPTIONS),
        )
    return publish(arguments, {"rows": rows}, table)


if __name__ == "__main__":
    run_command(main)

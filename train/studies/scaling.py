"""How the four methods converge, and how they scale with depth, width and iterations: one command for each figure.

    python -m train.studies.scaling convergence --data DIR --epochs 12 --out build/studies/converging    # Fig. 14
    python -m train.studies.scaling depth --data DIR                                                     # Fig. 11
    python -m train.studies.scaling width --data DIR                                                     # Fig. 12
    python -m train.studies.scaling iterations --data DIR                                                # Fig. 10, 15
    python -m train.studies.scaling stretch --data DIR                                                   # Fig. 16

The networks are those of ``--network small``, whose last stages fold; the defaults are a few seconds of a CPU each.
Finished runs are kept under ``--out``, and those that figures have in common are run once.

Ref: Hidden-Fold Networks (IEEE Access 2023), sections IV-C3, IV-C4, IV-D and IV-E.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

from console.command import CommandParser, Several, Whole
from console.settings import set_usual
from spec.commands import RUNS_MAX
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.fit import CHECKPOINT, LOG
from train.loop import checkpoint
from train.loop.log import read_log
from train.nets.config import SMALL, Method, ModelConfig
from train.nets.norms import FoldedNorm
from train.sizes import size_of
from train.studies.cells import Cell, folder_of
from train.studies.stretch import sweep
from train.studies.variants import (
    cells_of,
    judged_by,
    mean_and_deviation,
    publish,
    run_variants,
    settings_of,
    study_parser,
)

__all__ = ["WHATS", "changes_of", "main", "parser"]

#: Training images that stretched networks measure statistics on.
_CALIBRATION = 512


def _convergence(arguments: argparse.Namespace, base: ModelConfig) -> list[dict]:
    return [{"method": method} for method in Method]


def _depth(arguments: argparse.Namespace, base: ModelConfig) -> list[dict]:
    return [
        {"method": method, "iterations": tuple(count and runs for count in base.iterations)}
        for method in Method for runs in arguments.counts
    ]


def _width(arguments: argparse.Namespace, base: ModelConfig) -> list[dict]:
    return [
        {"method": method, "widths": tuple(width * first // base.widths[0] for width in base.widths)}
        for method in Method for first in arguments.base_widths
    ]


def _iterations(arguments: argparse.Namespace, base: ModelConfig) -> list[dict]:
    found = []
    for norm in (FoldedNorm.UBN, FoldedNorm.SBN, FoldedNorm.NABN):
        for stage in (stage for stage, count in enumerate(base.iterations) if count > 1):
            for extra in arguments.extra:
                counts = list(base.iterations)
                counts[stage] += extra
                found.append({"method": Method.HFN, "norm": norm, "iterations": tuple(counts)})
    return found


def _stretch(arguments: argparse.Namespace, base: ModelConfig) -> list[dict]:
    return [
        {"method": method, "norm": norm}
        for method in (Method.FOLDED, Method.HFN) for norm in (FoldedNorm.SBN, FoldedNorm.NABN)
    ]


#: What is varied, with the settings of every network.
WHATS = {
    "convergence": _convergence, "depth": _depth, "width": _width, "iterations": _iterations, "stretch": _stretch,
}


def changes_of(arguments: argparse.Namespace) -> dict[str, Mapping]:
    """Settings of every network of a figure, by the name of its runs, which says all that any figure varies.

    Raises
    ------
    Refused
        If the network is not the small one, or nothing of it folds.
    """
    base = settings_of(arguments, {}, 0, drawn=()).model
    if base.network != SMALL or max(base.iterations, default=0) < 2:
        raise Refused("These studies vary the small network; give --network small, and --iterations with a 2 or more")
    found = {}
    for changes in WHATS[arguments.what](arguments, base):
        model = settings_of(arguments, changes, 0, drawn=()).model
        parts = model.method, model.norm, ".".join(map(str, model.widths)), ".".join(map(str, model.iterations))
        found["-".join(parts)] = changes
    return found


def _row(cells: Sequence[Cell], found: Sequence[Mapping], dataset: Dataset, out: Path) -> dict:
    """What the result says of a network, whose ``cells`` found that."""
    model = cells[0].settings.model
    size = size_of(model.topology("t", dataset.image, dataset.classes), model.method)
    logs = [read_log(folder_of(cell, out) / LOG) for cell in cells]
    return {
        "method": model.method, "norm": model.norm, "widths": list(model.widths),
        "iterations": list(model.iterations), "seeds": [cell.settings.seed for cell in cells],
        "accuracies": [result["accuracy"] for result in found],
        "curves": [[record["held_out_accuracy"] for record in log] for log in logs],
        "losses": [[record["loss"] for record in log] for log in logs],
        "cpu_seconds": [result["cpu_seconds"] for result in found],
        "parameters": size.parameters, "bytes": size.bytes,
    }


def _stretched(cells: Sequence[Cell], dataset: Dataset, arguments: argparse.Namespace) -> list[dict]:
    """Accuracies of the trained ``cells`` with each recurrent block stretched by each of ``--by``, by seed."""
    images = min(_CALIBRATION, len(dataset.train_images))
    by_seed = [
        sweep(checkpoint.restore(checkpoint.load(folder_of(cell, arguments.out) / CHECKPOINT)), dataset,
              tuple(dict.fromkeys(arguments.by)), images)
        for cell in cells
    ]
    return [
        {name: same[0][name] for name in ("block", "trained", "iterations")}
        | {name: [row[name] for row in same] for name in ("reused", "recalibrated")}
        for same in zip(*by_seed, strict=True)
    ]


def _table(rows: Sequence[Mapping], title: str) -> Table:
    table = Table("method", title=title)
    for column in ("norm", "widths", "runs", "accuracy, %", "parameters", "bytes", "CPU s"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["method"], row["norm"], *(",".join(map(str, row[name])) for name in ("widths", "iterations")),
            mean_and_deviation(row["accuracies"]), f"{row['parameters']:,}", f"{row['bytes']:,}",
            f"{np.mean(row['cpu_seconds']):.0f}",
        )
        for point in row.get("stretched", ()):
            table.add_row(
                "", "", point["block"], f"{point['trained']} -> {point['iterations']}",
                mean_and_deviation(point["reused"]), "measured again:", mean_and_deviation(point["recalibrated"]), "",
            )
    return table


def parser() -> CommandParser:
    """The command line."""
    made = study_parser("scaling", __doc__.splitlines()[0], "fashion-minute", seeds=(0, 1, 2))
    set_usual(made, images=6000, shrink=2, epochs=4)
    made.add_argument("what", choices=tuple(WHATS), help="what is varied, or looked at")
    add = made.add_argument_group("figures").add_argument
    add("--counts", type=Several(Whole(2, RUNS_MAX)), default=(2, 4, 6),
        help="depth: runs of the repeated block of every stage that folds (default 2,4,6)")
    add("--base-widths", type=Several(Whole(1, 1024)), default=(8, 16, 24),
        help="width: channels of the first stage, the others in proportion (default 8,16,24)")
    add("--extra", type=Several(Whole(0, RUNS_MAX)), default=(0, 2, 4),
        help="iterations: runs that one stage has more, in training, too (default 0,2,4)")
    add("--by", type=Several(Whole(-RUNS_MAX, RUNS_MAX)), default=(-2, -1, 0, 1, 2),
        help="stretch: runs more than trained, as in --by=-1,0,1 (default -2,-1,0,1,2)")
    add("--judged", type=Whole(1, 1_000_000), default=2000, help="stretch: test images, at most (default 2000)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    variants = changes_of(arguments)
    if not variants:
        raise Refused("Give at least one of --counts, --base-widths and --extra")
    groups = cells_of(variants, arguments, drawn=("seed",))
    settings = next(iter(groups.values()))[0].settings
    dataset = settings.load(arguments.data)
    found = run_variants(groups, dataset, arguments)
    rows = [_row(cells, found[name], dataset, arguments.out) for name, cells in groups.items()]
    if arguments.what == "stretch":
        judged = judged_by(settings, arguments.data, arguments.judged)
        for row, cells in zip(rows, groups.values(), strict=True):
            row["stretched"] = _stretched(cells, judged, arguments)
    title = f"{dataset.name}, {len(dataset.train_images):,} images, {settings.recipe.epochs} epochs"
    return publish(arguments, {"title": title, "rows": rows}, _table(rows, title), file=f"{arguments.what}.json")


if __name__ == "__main__":
    run_command(main)

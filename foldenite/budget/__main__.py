r"""Which mask for which budget: accuracy against bytes on the chip and against cycles, as one command.

    python -m foldenite.budget --data DIR
    python -m foldenite.budget --data DIR --recipe budget-cifar --out build/budget-cifar

Trains small hidden-fold networks in every mask mode, at every ``--base-widths`` and ``--fold-counts``: the narrow ones
(up to ``--repeat-up-to``) with all ``--seeds``, the others with the first. Finished runs are kept under ``--out`` and
not repeated. Cycles are the exact model's. Writes a drawing with the Pareto fronts beside the result.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from rich.table import Table

from console.command import CommandParser, Several, Whole
from foldenite.budget.drawing import COSTS, budgets
from foldenite.budget.variants import Variant, costs, front, variants
from spec.commands import RUNS_MAX
from spec.files import write_text
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.studies.cells import Cell
from train.studies.variants import cells_of, mean_and_deviation, publish, run_variants, study_parser

__all__ = ["main", "parser", "row_of"]

#: Settings that the study varies itself, and what says how.
_VARIED = {
    "widths": "--base-widths", "iterations": "--fold-counts", "mode": "all modes", "density": "the densities of modes",
    "method": "hidden-fold networks",
}


def row_of(variant: Variant, cells: Sequence[Cell], found: Sequence[Mapping], dataset: Dataset) -> dict:
    """What the study says of ``variant``, whose cells found that: accuracies by seed, their mean, and its costs."""
    network = cells[0].settings.model.topology(variant.name, dataset.image, dataset.classes)
    accuracies = [result["accuracy"] for result in found]
    return {
        "mode": str(variant.mode), "width": variant.width, "folds": variant.folds,
        "seeds": [cell.settings.seed for cell in cells], "accuracies": accuracies,
        "accuracy": round(float(np.mean(accuracies)), 6), "macs": network.macs,
        "cpu_seconds": [result["cpu_seconds"] for result in found],
    } | costs(network)


def _table(rows: Sequence[Mapping], title: str) -> Table:
    table = Table("mode", title=title)
    for column in ("width", "runs", "seeds", "accuracy, %", "bytes", "cycles", "on the front of"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["mode"], str(row["width"]), str(row["folds"]), str(len(row["seeds"])),
            mean_and_deviation(row["accuracies"]), f"{row['bytes']:,}", f"{row['cycles']:,}",
            ", ".join(row["fronts"]),
        )
    return table


def parser() -> CommandParser:
    """The command line."""
    made = study_parser("budget", __doc__.splitlines()[0], "budget-fashion", seeds=(0, 1, 2))
    made.prog = "python -m foldenite.budget"
    add = made.add_argument_group("budgets").add_argument
    add("--base-widths", type=Several(Whole(4, 256)), default=(8, 16, 24, 32),
        help="channels of the first stage; the others have twice and four times as many (default 8,16,24,32)")
    add("--fold-counts", type=Several(Whole(2, RUNS_MAX)), default=(2, 4),
        help="runs of the repeated block of the last two stages (default 2,4)")
    add("--repeat-up-to", type=Whole(0, 256), default=16, metavar="WIDTH",
        help="width up to which all seeds run; wider networks take the first (default 16)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    for name, varied in _VARIED.items():
        if hasattr(arguments, name):
            raise Refused(f"Option --{name} is what this study varies ({varied}); leave it out")
    grid = {variant.name: variant for variant in variants(arguments.base_widths, arguments.fold_counts)}
    if not grid:
        raise Refused("Give at least one of --base-widths and of --fold-counts")
    groups = cells_of({name: variant.changes for name, variant in grid.items()}, arguments, drawn=("seed",))
    for name, variant in grid.items():
        if variant.width > arguments.repeat_up_to:
            groups[name] = groups[name][:1]
    first = next(iter(groups.values()))[0]
    dataset = first.settings.load(arguments.data)
    found = run_variants(groups, dataset, arguments)
    rows = [row_of(variant, groups[name], found[name], dataset) for name, variant in grid.items()]
    fronts = {cost: front(rows, cost) for cost in COSTS}
    rows = [row | {"fronts": [cost for cost, best in fronts.items() if row in best]} for row in rows]
    title = f"{dataset.name}, {len(dataset.train_images):,} images, {first.settings.recipe.epochs} epochs"
    picture = write_text(arguments.out / "budget.svg", budgets(rows, title))
    result = {"title": title, "facts": first.facts(dataset), "rows": rows}
    return publish(arguments, result, _table(rows, title), picture, file="budget.json")


if __name__ == "__main__":
    run_command(main)

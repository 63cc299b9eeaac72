"""Comparisons on real images, each one command: the four methods of the paper, and ideas beyond the papers.

    python -m train.studies.compare methods --data DIR --seeds 0,1,2
    python -m train.studies.compare ideas --data DIR --seeds 0,1,2
    python -m train.studies.compare methods --data DIR --recipe fashion-hour --images 0 --out build/compare-hour

All runs of a comparison share recipe, data and seeds. Finished runs are kept under ``--out`` and not repeated; the
table is written beside them as JSON.

Ref: Hidden-Fold Networks (IEEE Access 2023), Tables 1 and 2; docs/training.md for what came out.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spec.files import write_text
from spec.refusal import Refused, run_command
from spec.supermask import Mode
from train.data import load_dataset
from train.loop.options import integers
from train.loop.settings import Settings, add_settings_options, settings_from
from train.nets.config import Method
from train.nets.norms import FoldedNorm
from train.sizes import chip_bytes, size_of
from train.studies.cells import Cell, run_cells
from train.studies.statistics import mean_and_deviation

__all__ = ["IDEAS", "METHODS", "main"]

#: Settings of each method, by the name of its cells.
METHODS: Mapping[str, dict] = {str(method): {"method": str(method)} for method in Method}

#: Settings of each idea, likewise. The first is what the others are compared with.
IDEAS: Mapping[str, dict] = {
    "hfn": {"method": "hfn"},
    "2of4": {"mode": Mode.TWO_OF_FOUR},
    "max1of4": {"mode": Mode.AT_MOST_ONE, "density": 0.2},
    "1of4": {"mode": Mode.ONE_OF_FOUR},
    "shared-norm": {"norm": FoldedNorm.SBN},
    "shared-norm-varied": {"norm": FoldedNorm.SBN, "vary": 1},
}

#: Iterations fewer and more that networks with shared norms are measured at; others have none to spare.
_OFFSETS = (-1, 1)


def cells_of(variants: Mapping[str, dict], arguments: argparse.Namespace) -> dict[str, list[Cell]]:
    """Cells of every variant, one for each seed."""
    def cell(name: str, changes: dict, seed: int) -> Cell:
        settings = settings_from(argparse.Namespace(**(vars(arguments) | changes | {"seed": seed})))
        return Cell(f"{name}-{seed}", settings, arguments.images, _OFFSETS if name.startswith("shared-norm") else ())

    return {name: [cell(name, changes, seed) for seed in arguments.seeds] for name, changes in variants.items()}


def _row(name: str, cells: Sequence[Cell], results: Mapping[str, dict], problem: tuple) -> dict:
    """What a comparison says of one variant."""
    settings: Settings = cells[0].settings
    found = [results[cell.name] for cell in cells]
    network = settings.model.topology(name, *problem)
    size = size_of(network, settings.model.method)
    row = {
        "name": name, "seeds": [cell.settings.seed for cell in cells],
        "accuracies": [result["accuracy"] for result in found],
        "densities": [result["density"] for result in found],
        "cpu_seconds": [result["cpu_seconds"] for result in found],
        "weights": size.weights, "parameters": size.parameters, "bytes": size.bytes,
    }
    if settings.model.method.masks:
        row["chip_bytes"] = chip_bytes(network)
    if cells[0].offsets:
        row["stretched"] = {
            str(offset): [result["stretched"][str(offset)] for result in found] for offset in cells[0].offsets
        }
    return row


def _table(rows: Sequence[dict], title: str) -> Table:
    table = Table("run", title=title)
    for column in ("accuracy, %", "parameters", "bytes", "on chip", "density, %", "CPU s"):
        table.add_column(column, justify="right")
    stretched = [row for row in rows if "stretched" in row]
    offsets = stretched[0]["stretched"] if stretched else {}
    for offset in offsets:
        table.add_column(f"{int(offset):+d} iterations, %", justify="right")
    for row in rows:
        density = "-" if row["densities"][0] is None else f"{100 * sum(row['densities']) / len(row['densities']):.1f}"
        table.add_row(
            row["name"], mean_and_deviation(row["accuracies"]), f"{row['parameters']:,}", f"{row['bytes']:,}",
            f"{row['chip_bytes']:,}" if "chip_bytes" in row else "-", density,
            f"{sum(row['cpu_seconds']) / len(row['cpu_seconds']):.0f}",
            *(mean_and_deviation(row["stretched"][offset]) if "stretched" in row else "-" for offset in offsets),
        )
    return table


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m train.studies.compare", description="Train variants side by side.")
    parser.add_argument("what", choices=("methods", "ideas"), help="the four methods, or ideas beyond the papers")
    add_settings_options(parser)
    parser.set_defaults(recipe="fashion-minute")
    add = parser.add_argument_group("comparison").add_argument
    add("--seeds", type=integers, default=(0, 1, 2), help="one run of every variant for each (default: 0,1,2)")
    add("--images", type=int, default=20_000, help="train on the first so many images (default: 20000); 0: on all")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default: build/data)")
    add("--jobs", type=int, default=1, help="runs at a time, one thread each (default: 1)")
    add("--out", type=Path, default=Path("build/compare"), help="folder of runs and table (default: build/compare)")
    add("--json", action="store_true", help="print the table as JSON")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = _parser().parse_args(argv)
    if hasattr(arguments, "seed"):
        raise Refused("Option --seed is one seed, but a comparison takes several; give --seeds")
    if not arguments.seeds or arguments.jobs < 1:
        raise Refused(f"Give at least one of --seeds and --jobs, not {arguments.seeds} and {arguments.jobs}")
    groups = cells_of({"methods": METHODS, "ideas": IDEAS}[arguments.what], arguments)
    cells = [cell for group in groups.values() for cell in group]
    dataset = load_dataset(cells[0].settings.dataset, arguments.data)
    results = run_cells(cells, arguments.data, arguments.out, arguments.jobs)
    rows = [_row(name, group, results, (dataset.image, dataset.classes)) for name, group in groups.items()]
    text = json.dumps({"schema_version": 1, "facts": cells[0].facts(), "rows": rows}, indent=1) + "\n"
    written = write_text(arguments.out / f"{arguments.what}.json", text)
    if arguments.json:
        print(text, end="")
        return 0
    console = Console()
    console.width = max(console.width, 120)
    console.print(_table(rows, f"{dataset.name}, {arguments.images or len(dataset.train_images):,} images"))
    print(written)
    return 0


if __name__ == "__main__":
    run_command(main)

r"""Comparisons on real images, each one command: the four methods of the paper, ideas beyond it, levers of a recipe.

    python -m train.studies.compare methods --data DIR --seeds 0,1,2
    python -m train.studies.compare ideas --data DIR --seeds 0,1,2
    python -m train.studies.compare methods --data DIR --recipe fashion-hour --images 0 --out build/compare-hour
    python -m train.studies.compare levers --data DIR --recipe cifar-small --seeds 0 --images 0 \
        --shrink 2 --small-sizes= --small-until= --crop-pad 2 --epochs 4 --warmup 0.5    # short: 16 pixels, 4 epochs

All runs of a comparison share recipe, data and seeds. Finished runs are kept under ``--out`` and not repeated; the
table is written beside them as JSON.

Ref: Hidden-Fold Networks (IEEE Access 2023), Tables 1 and 2; docs/training.md for what came out.
"""

from collections.abc import Mapping, Sequence

from rich.table import Table

from console.command import CommandParser
from console.settings import set_usual
from spec.refusal import run_command
from spec.supermask import Mode
from train.nets.config import Method
from train.nets.norms import FoldedNorm
from train.sizes import chip_bytes, size_of
from train.studies.cells import Cell
from train.studies.variants import cells_of, mean_and_deviation, publish, run_variants, study_parser

__all__ = ["IDEAS", "LEVERS", "METHODS", "OFFSETS", "main", "parser"]

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

#: Settings of each lever of recipe ``cifar-small``, likewise: one thing otherwise than the recipe has it.
LEVERS: Mapping[str, dict] = {
    "recipe": {},
    "dense-weights": {"method": "dense", "densities": {}},
    "mode-any-half": {"mode": Mode.ANY, "density": 0.5},
    "mode-max1of4": {"mode": Mode.AT_MOST_ONE, "density": 0.2},
    "edges-as-dense-as-the-rest": {"densities": {}},
    "plain-norms": {"affine": False},
    "norms-at-the-rate-of-scores": {"norm_lr": 0.0},
    "half-the-rate": {"lr": 2.5e-3, "norm_lr": 2e-3},
    "twice-the-rate": {"lr": 1e-2, "norm_lr": 8e-3},
    "cosine": {"schedule": "cosine"},
    "batches-of-256": {"batch": 256, "lr": 7e-3, "norm_lr": 5.6e-3},
    "labels-as-they-are": {"label_smoothing": 0.0},
    "norms-as-they-ran": {"settle": False},
    "no-shift": {"crop_pad": 0},
    "shift-into-black": {"reflect": False},
    "no-mirror": {"mirror": False, "alternate": False},
    "mirror-at-random": {"alternate": False},
    "cutout": {"cutout": 4},
    "average": {"average": 0.998},
    "float32": {"precision": "float32"},
}

_COMPARED = {"methods": METHODS, "ideas": IDEAS, "levers": LEVERS}

#: Iterations fewer and more that networks with shared norms are measured at; others have none to spare.
OFFSETS = {"shared-norm": (-1, 1), "shared-norm-varied": (-1, 1)}


def _row(name: str, cells: Sequence[Cell], found: Sequence[dict], problem: tuple) -> dict:
    """What a comparison says of one variant, whose cells found that."""
    settings = cells[0].settings
    network = settings.model.topology(name, *problem)
    size = size_of(network, settings.model.method)
    row = {
        "name": name, "seeds": [cell.settings.seed for cell in cells],
        "accuracies": [result["accuracy"] for result in found],
        "densities": [result["density"] for result in found],
        "cpu_seconds": [result["cpu_seconds"] for result in found],
        "weights": size.weight_count, "parameters": size.parameters, "bytes": size.bytes,
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


def parser() -> CommandParser:
    """The command line."""
    made = study_parser("compare", __doc__.splitlines()[0], "fashion-minute", seeds=(0, 1, 2))
    choices = "the four methods, ideas beyond the papers, or levers of a recipe"
    made.add_argument("what", choices=tuple(_COMPARED), help=choices)
    set_usual(made, images=20_000)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    groups = cells_of(_COMPARED[arguments.what], arguments, OFFSETS, drawn=("seed",))
    first = next(iter(groups.values()))[0]
    dataset = first.settings.load(arguments.data)
    found = run_variants(groups, dataset, arguments)
    problem = dataset.image, dataset.classes
    rows = [_row(name, group, found[name], problem) for name, group in groups.items()]
    table = _table(rows, f"{dataset.name}, {len(dataset.train_images):,} images")
    return publish(arguments, {"facts": first.facts(dataset), "rows": rows}, table, file=f"{arguments.what}.json")


if __name__ == "__main__":
    run_command(main)

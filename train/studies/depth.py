"""Depth and normals by an encoder-decoder that is run again: what its two runs share.

    python -m train.studies.depth
    python -m train.studies.depth --stanford DIR --side 256 --width 64 --depth 4 --epochs 50

All networks have the degrees of freedom of one sub-network. Without ``--stanford`` the views are of synthetic rooms. A
finished cell is kept under ``--out`` and not repeated.

The paper's second row is a ring with shared batch norms in its table, and the same weights with shared batch norms in
its text. Both are here. One set of running statistics is that of neither run where the runs draw different weights, so
that a ring with shared norms is much worse in evaluation than it was in training; the same weights hardly are.

Ref: RPG (arXiv:2107.07110), section 5.4, Table 5.
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.table import Table

from console.command import CommandParser, Number, Several, Whole, add_json, add_out
from spec.budgets import Budget
from spec.files import output_folder
from spec.refusal import Refused, run_command
from train.indoor.learn import DepthRecipe, errors, learn_depth
from train.indoor.network import EncoderDecoder, EncoderDecoderShape
from train.indoor.raycast import synthetic_rooms
from train.indoor.stanford import load_stanford
from train.indoor.views import ViewData
from train.loop.existing import versions
from train.loop.processes import DEVICES, device_of
from train.nets.repeated import Sharing
from train.studies.trained import kept_runs
from train.studies.variants import mean_and_deviation, publish

__all__ = ["ROWS", "DepthNetwork", "main", "orders", "parser"]

#: Runs, what they share and whether each has batch norms of its own, by name of the row.
ROWS = {
    "vanilla": (1, Sharing.UNSHARED, True),
    "reuse, shared norms": (2, Sharing.TIED, False),
    "reuse, new norms": (2, Sharing.TIED, True),
    "reuse, new norms, permuted and reflected": (2, Sharing.RING, True),
    "rings of blocks": (2, Sharing.BLOCK_RINGS, True),
    "ring, shared norms": (2, Sharing.RING, False),
}


@dataclasses.dataclass(frozen=True)
class DepthNetwork:
    """A run of one of :data:`ROWS`; ``size`` is side, width and depth."""

    row: str
    size: tuple[int, int, int]
    seed: int
    recipe: DepthRecipe

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.row.replace(',', '').replace(' ', '-')}-{self.seed}"

    def run(self, data: ViewData, device: torch.device, advance: Callable[[], object]) -> dict:
        """Train and judge it, on one CPU thread or a GPU."""
        torch.set_num_threads(1)
        begun = time.process_time()
        runs, sharing, own_norms = ROWS[self.row]
        model = EncoderDecoder(
            EncoderDecoderShape(*self.size, runs), sharing, own_norms=own_norms, seed=self.seed,
            generator=torch.Generator().manual_seed(self.seed),
        ).to(device)
        learn_depth(model, data.train, self.recipe, self.seed, advance)
        (train_depth, train_normal), (depth, normal) = errors(model, data.train), errors(model, data.held_out)
        return {
            "dof": model.degrees_of_freedom, "parameters": sum(p.numel() for p in model.parameters()),
            "depth_rmse_m": round(depth, 6), "normal_rmse": round(normal, 6),
            "train_depth_rmse_m": round(train_depth, 6), "train_normal_rmse": round(train_normal, 6),
            "cpu_seconds": round(time.process_time() - begun, 1),
        }


def orders(rows: Sequence[dict]) -> list[dict]:
    """Each row of Table 5 against the one above: ``claim``, ``differences`` of mean RMSE (depth, normals), ``holds``.

    The paper's order is that of the first four :data:`ROWS`, each better than the one before in both; rings of blocks,
    which are what it has in its best row, are held against vanilla, and a ring's own norms against shared ones.
    """
    means = {row["row"]: [float(np.mean(row[what])) for what in ("depth_rmse_m", "normal_rmse")] for row in rows}
    names = list(ROWS)
    pairs = [*zip(names[1:4], names[:3], strict=True), (names[4], names[0]), (names[3], names[5])]
    found = []
    for better, worse in pairs:
        if better in means and worse in means:
            gains = [high - low for low, high in zip(means[better], means[worse], strict=True)]
            found.append({
                "claim": f"{better} below {worse}", "differences": [round(gain, 6) for gain in gains],
                "holds": all(gain > 0 for gain in gains),
            })
    return found


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.studies.depth", description=__doc__.splitlines()[0])
    add, out, usual, shape = made.add_argument, Path("build/studies/depth"), DepthRecipe(), EncoderDecoderShape()
    add("--seeds", type=Several(Whole(0, (1 << 31) - 1)), default=(0, 1, 2), help="runs of each row (default 0,1,2)")
    add("--width", type=Whole(1, 1024), default=shape.width, help=f"channels of the stem (default {shape.width})")
    add("--depth", type=Whole(1, 6), default=shape.depth, help=f"halvings after it (default {shape.depth})")
    add("--side", type=Whole(4, Budget.SIDE.most), default=shape.side,
        help=f"pixels a side of an image (default {shape.side})")
    add("--stanford", type=Path, help="folder of 2D-3D-Semantics, instead of synthetic rooms")
    add("--views", type=Whole(1, 1_000_000), default=1000,
        help="views to train on; of 2D-3D-Semantics at most so many of either part (default 1000)")
    add("--held-out", type=Whole(1, 1_000_000), default=500, help="synthetic views to judge by (default 500)")
    add("--data-seed", type=Whole(0, 1 << 30), default=0, help="what synthetic rooms are drawn from (default 0)")
    add("--epochs", type=Whole(1, 10_000), default=usual.epochs, help=f"epochs (default {usual.epochs})")
    add("--batch", type=Whole(1, 65536), default=usual.batch, help=f"views in a batch (default {usual.batch})")
    add("--lr", type=Number(above=0, most=10), default=usual.lr, help=f"largest learning rate (default {usual.lr})")
    add("--share", type=Number(least=0, most=1000), default=usual.share,
        help=f"weight of the loss of normals, to 1 of depth (default {usual.share:g})")
    add("--no-mirror", dest="mirror", action="store_false", help="do not swap left and right")
    add("--device", default="auto", choices=DEVICES, help="default: a GPU where there is one")
    add_out(made, f"folder of runs and result (default {out})", out)
    add_json(made)
    return made


def _row(name: str, seeds: Sequence[int], found: Sequence[dict]) -> dict:
    """What the table says of a row, whose ``seeds`` found that."""
    row = {"row": name, "seeds": list(seeds), "dof": found[0]["dof"], "parameters": found[0]["parameters"]}
    return row | {what: [one[what] for one in found] for what in found[0] if what not in row}


def _table(rows: Sequence[dict], title: str) -> Table:
    table = Table("sub-network, twice but in the first row", title=title, show_edge=False)
    for column in ("DoF", "depth, cm", "normals, %", "training: depth, cm", "normals, %", "CPU s"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["row"], f"{row['dof']:,}", *(
                mean_and_deviation(row[f"{part}{what}"]) for part in ("", "train_")
                for what in ("depth_rmse_m", "normal_rmse")
            ), f"{np.mean(row['cpu_seconds']):.0f}",
        )
    return table


def _cells(arguments: argparse.Namespace) -> list[DepthNetwork]:
    """All runs, seed by seed."""
    if not arguments.seeds:
        raise Refused("Give at least one of --seeds")
    size = arguments.side, arguments.width, arguments.depth
    EncoderDecoderShape(*size)  # Refused before views are made.
    recipe = DepthRecipe(*(getattr(arguments, field.name) for field in dataclasses.fields(DepthRecipe)))
    return [DepthNetwork(row, size, seed, recipe) for seed in dict.fromkeys(arguments.seeds) for row in ROWS]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    cells = _cells(arguments)
    device, out = device_of(arguments.device), output_folder(arguments.out)
    if arguments.stanford:
        data = load_stanford(arguments.stanford, arguments.side, arguments.views)
    else:
        data = synthetic_rooms(arguments.views, arguments.held_out, arguments.side, arguments.data_seed)
    digest = data.digest
    found = kept_runs(cells, data, digest, arguments.epochs, device, out)
    rows = [
        _row(row, [cell.seed for cell in cells if cell.row == row], [found[cell] for cell in cells if cell.row == row])
        for row in ROWS
    ]
    sizes = f"{len(data.train):,} views to train on, {len(data.held_out):,} to judge by"
    result = {"dataset": data.name, "dataset_sha256": digest, "versions": versions(), "rows": rows,
              "orders": orders(rows)}
    return publish(arguments, result, _table(rows, f"RMSE, {data.name}: {sizes}"))


if __name__ == "__main__":
    run_command(main)

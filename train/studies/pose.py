"""Stacked pose networks: 1, 2 and 4 hourglasses, with shared weights, one ring, or weights of their own.

    python -m train.studies.pose
    python -m train.studies.pose --mpii DIR --side 256 --width 256 --depth 4 --epochs 100

Shared weights and a ring have the degrees of freedom of one sub-network. Without ``--mpii`` the people are stick
figures drawn from a seed. A finished cell is kept under ``--out`` and not repeated.

Ref: RPG (arXiv:2107.07110), section 5.3, Table 4 (PCKh@0.5) and Table 8b (training minus validation).
"""

import argparse
import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from rich.table import Table

from console.command import CommandParser, Number, Several, Whole, add_json, add_out
from spec.budgets import Budget
from spec.files import output_folder
from spec.refusal import Refused, run_command
from train.loop.existing import versions
from train.loop.processes import DEVICES, device_of
from train.nets.repeated import Sharing
from train.pose.figures import synthetic_poses
from train.pose.hourglass import HourglassShape, StackedHourglass
from train.pose.learn import PoseRecipe, learn, score
from train.pose.mpii import load_mpii
from train.pose.poses import PoseData
from train.studies.trained import kept_runs
from train.studies.variants import mean_and_deviation, publish

__all__ = ["SHARINGS", "PoseNetwork", "main", "orders", "parser"]

#: What sub-networks share, by name of the row.
SHARINGS = {"shared": Sharing.TIED, "ring": Sharing.RING, "not shared": Sharing.UNSHARED}


@dataclasses.dataclass(frozen=True)
class PoseNetwork:
    """A run: ``norms`` is "own" or "shared", ``sharing`` of :data:`SHARINGS`."""

    shape: HourglassShape
    sharing: str
    norms: str
    seed: int
    recipe: PoseRecipe

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.shape.stacks}x-{self.sharing.replace(' ', '-')}-{self.norms}-{self.seed}"

    @property
    def row(self) -> tuple[int, str, str]:
        """What all seeds of it have in common."""
        return self.shape.stacks, self.sharing, self.norms

    def run(self, data: PoseData, device: torch.device, advance: Callable[[], object]) -> dict:
        """Train and judge it, on one CPU thread or a GPU."""
        torch.set_num_threads(1)
        begun = time.process_time()
        generator = torch.Generator().manual_seed(self.seed)
        model = StackedHourglass(
            self.shape, SHARINGS[self.sharing], own_norms=self.norms == "own", seed=self.seed, generator=generator
        ).to(device)
        learn(model, data.train, self.recipe, self.seed, advance)
        return {
            "dof": model.degrees_of_freedom, "parameters": sum(p.numel() for p in model.parameters()),
            "train": round(score(model, data.train), 6), "held_out": round(score(model, data.held_out), 6),
            "cpu_seconds": round(time.process_time() - begun, 1),
        }


def _cells(arguments: argparse.Namespace) -> list[PoseNetwork]:
    """All runs, seed by seed; one sub-network has nothing to share."""
    if not (arguments.seeds and arguments.stacks and arguments.norms):
        raise Refused("Give at least one of --seeds, of --stacks and of --norms")
    unknown = [norms for norms in arguments.norms if norms not in ("own", "shared")]
    if unknown:
        raise Refused(f"Option --norms must be own, shared or both, not {unknown[0]!r}")
    recipe = PoseRecipe(*(getattr(arguments, field.name) for field in dataclasses.fields(PoseRecipe)))
    size = arguments.side, arguments.width, arguments.depth
    return [
        PoseNetwork(HourglassShape(*size, stacks), sharing, norms, seed, recipe)
        for seed in dict.fromkeys(arguments.seeds) for stacks in dict.fromkeys(arguments.stacks)
        for sharing in (SHARINGS if stacks > 1 else ("not shared",))
        for norms in (dict.fromkeys(arguments.norms) if stacks > 1 else ("own",))
    ]


def _row(row: tuple[int, str, str], seeds: Sequence[int], found: Sequence[dict]) -> dict:
    """What the table says of a row, whose ``seeds`` found that."""
    return {
        "stacks": row[0], "sharing": row[1], "norms": row[2], "seeds": list(seeds), "dof": found[0]["dof"],
        "parameters": found[0]["parameters"], "train": [one["train"] for one in found],
        "held_out": [one["held_out"] for one in found],
        "gap": [round(one["train"] - one["held_out"], 6) for one in found],
        "cpu_seconds": [one["cpu_seconds"] for one in found],
    }


def orders(rows: Sequence[dict]) -> list[dict]:
    """Every order of Tables 4 and 8b that the ``rows`` can show: ``claim``, ``difference`` of the means, ``holds``.

    More sub-networks are better than fewer of the same sharing, a ring than shared weights, weights of their own than
    a ring; a ring's gap between training and held-out people is smaller than that of either.
    """
    def mean(row: dict, what: str) -> float:
        return sum(row[what]) / len(row[what])

    by_row = {(row["stacks"], row["sharing"], row["norms"]): row for row in rows}
    one = by_row.get((1, "not shared", "own"))
    pairs = []
    for (stacks, sharing, norms), row in by_row.items():
        fewer = [by_row[key] for key in by_row if key[0] < stacks and key[1:] == (sharing, norms)]
        for less in fewer or ([one] if one and stacks > 1 else []):
            pairs.append((f"{stacks}x {sharing} above {less['stacks']}x", "held_out", row, less))
        if sharing == "ring":
            shared, own = (by_row[stacks, other, norms] for other in ("shared", "not shared"))
            pairs += [
                (f"{stacks}x ring above shared", "held_out", row, shared),
                (f"{stacks}x not shared above ring", "held_out", own, row),
                (f"{stacks}x gap of shared above ring's", "gap", shared, row),
                (f"{stacks}x gap of not shared above ring's", "gap", own, row),
            ]
    found = []
    for claim, what, high, low in pairs:
        value = mean(high, what) - mean(low, what)
        found.append({
            "claim": f"{claim}, {high['norms']} norms", "difference": round(value, 6), "holds": value > 0,
        })
    return found


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.studies.pose", description=__doc__.splitlines()[0])
    add, out, usual = made.add_argument, Path("build/studies/pose"), PoseRecipe()
    add("--stacks", type=Several(Whole(1, 16)), default=(1, 2, 4), help="sub-networks (default 1,2,4)")
    add("--norms", type=Several(str), default=("own",),
        help="batch norms of sub-networks: own, shared, or both with a comma (default own)")
    add("--seeds", type=Several(Whole(0, (1 << 31) - 1)), default=(0, 1, 2), help="runs of each row (default 0,1,2)")
    add("--width", type=Whole(4, 1024), default=32, help="channels (default 32)")
    add("--depth", type=Whole(1, 8), default=2, help="halvings in an hourglass (default 2)")
    add("--side", type=Whole(8, Budget.SIDE.most), default=64, help="pixels a side of an image (default 64)")
    add("--mpii", type=Path, help="folder of MPII, instead of stick figures")
    add("--people", type=Whole(1, 1_000_000), default=1000,
        help="people to train on; of MPII at most so many of either part (default 1000)")
    add("--held-out", type=Whole(1, 1_000_000), default=500, help="stick figures to judge by (default 500)")
    add("--epochs", type=Whole(1, 10_000), default=usual.epochs, help=f"epochs (default {usual.epochs})")
    add("--batch", type=Whole(1, 65536), default=usual.batch, help=f"people in a batch (default {usual.batch})")
    add("--lr", type=Number(above=0, most=10), default=usual.lr, help=f"largest learning rate (default {usual.lr})")
    add("--sigma", type=Number(above=0, most=100), default=usual.sigma,
        help=f"sigma of the targets in cells of 4 pixels (default {usual.sigma:g})")
    add("--no-mirror", dest="mirror", action="store_false", help="do not swap left and right")
    add("--scale", type=Number(least=0, below=1), default=usual.scale,
        help=f"largest change of size, a share; 0: none (default {usual.scale:g})")
    add("--device", default="auto", choices=DEVICES, help="default: a GPU where there is one")
    add_out(made, f"folder of runs and result (default {out})", out)
    add_json(made)
    return made


def _table(rows: Sequence[dict], title: str) -> Table:
    table = Table("sub-networks", "weights", "norms", title=title, show_edge=False)
    for column in ("DoF", "PCKh, %", "training, %", "gap", "CPU s"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            f"{row['stacks']}x", row["sharing"], row["norms"], f"{row['dof']:,}",
            *(mean_and_deviation(row[what]) for what in ("held_out", "train", "gap")),
            f"{sum(row['cpu_seconds']) / len(row['cpu_seconds']):.0f}",
        )
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    cells = _cells(arguments)
    device, out = device_of(arguments.device), output_folder(arguments.out)
    if arguments.mpii:
        data = load_mpii(arguments.mpii, arguments.side, arguments.people)
    else:
        data = synthetic_poses(arguments.people, arguments.held_out, arguments.side)
    digest = data.digest
    found = kept_runs(cells, data, digest, arguments.epochs, device, out)
    rows = [
        _row(row, [cell.seed for cell in cells if cell.row == row], [found[cell] for cell in cells if cell.row == row])
        for row in dict.fromkeys(cell.row for cell in cells)
    ]
    sizes = f"{len(data.train):,} people to train on, {len(data.held_out):,} to judge by"
    result = {"dataset": data.name, "dataset_sha256": digest, "versions": versions(), "rows": rows,
              "orders": orders(rows)}
    return publish(arguments, result, _table(rows, f"PCKh@0.5, {data.name}: {sizes}"))


if __name__ == "__main__":
    run_command(main)

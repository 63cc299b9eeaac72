"""Pruning of a ring beside that of free weights: Tables 6 and 7, as one command.

    python -m train.studies.pruners --data DIR --seeds 0,1,2

Degrees of freedom: iterative magnitude pruning with rewinding, of the layers that a ring would serve, and the pruned
ring, to the same number. Operations: filters of the network without a ring chosen as a knapsack, and those of the
network with one by their l1 norm, to the same target, which neither may exceed. All that is pruned trains on for
equally many epochs: the recipe's but for those before ``--rewind``.

Ref: RPG (arXiv:2107.07110), section 5.5, Tables 6 and 7.
"""

import argparse
import copy
import dataclasses
from collections.abc import Sequence

import numpy as np
from rich.table import Table

from console.command import CommandParser, Number, Whole
from spec.budgets import Budget
from spec.files import output_folder
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.loop.processes import Processes
from train.loop.settings import Settings
from train.loop.trainer import Run, Trainer
from train.nets.ring_net import RpgResNet
from train.studies.compress import pruned_ring
from train.studies.knapsack import importances, knapsack_filters
from train.studies.lottery import imp
from train.studies.pruning import flops, kept_filters, prune_filters, ring_dof
from train.studies.trained import kept_row, train_on
from train.studies.variants import VANILLA, judged_by, mean_and_deviation, publish, ring_parser, seeds_of, settings_of

__all__ = ["main", "parser"]

#: Training images that the importance of filters is measured on.
_MEASURED = 1000


def parser() -> CommandParser:
    """The command line."""
    made = ring_parser("pruners", __doc__.splitlines()[0], dof=36864, jobs=False)
    add = made.add_argument
    add("--prune-dof", type=Whole(1, Budget.WEIGHTS.most), default=9216,
        help="values or weights that fine-grained pruning leaves (default 9216)")
    add("--rounds", type=Whole(1, 1000), default=3, help="rounds of it (default 3)")
    add("--rewind", type=Whole(1, 100_000), default=1, help="epoch that weights are set back to (default 1)")
    add("--flops", type=Number(above=0, most=1), default=0.6,
        help="fraction of the FLOPs that filter pruning leaves; 0.602 in Table 7 (default 0.6)")
    add("--judged", type=Whole(1, 1_000_000), default=2000, help="test images to judge by, at most (default 2000)")
    return made


@dataclasses.dataclass(frozen=True)
class _Pruning:
    """All networks of a seed; ``settings`` have a ring, ``free`` are of the same network without."""

    settings: Settings
    free: Settings
    dataset: Dataset
    processes: Processes
    dof: int
    rounds: int
    rewind: int
    share: float

    @property
    def length(self) -> float:
        """Of what comes after pruning, over the recipe."""
        return (self.settings.recipe.epochs - self.rewind) / self.settings.recipe.epochs

    def rows(self) -> list[dict]:
        """What is trained, pruned and measured."""
        ring = self.settings.untrained(self.dataset)
        drawn = [slot.name for one in ring.rings for slot in one.slots]
        target = round(self.share * ring.network.macs)
        lottery, dense = self._lottery(drawn)
        before = self._train(ring, "ring")
        row = {"accuracy_before": before, "dof_before": ring.rings[0].size}
        after = []
        sparse = pruned_ring(
            ring, self.dof, self.rounds, lambda model: after.append(self._train(model, "pruned ring", self.length))
        )
        pruned = self._judged("pruned ring", sparse, after[-1], sum(ring_dof(one) for one in sparse.rings))
        thin = copy.deepcopy(ring)
        prune_filters(thin, target)
        filters = self._judged("ring, filters by l1", thin, self._train(thin, "l1", self.length), ring.rings[0].size)
        knapsack_filters(dense, importances(dense, *self._measured), target)
        chosen = self._judged(
            "free, filters by knapsack", dense, self._train(dense, "knapsack", self.length), lottery["dof_before"]
        )
        return [lottery, pruned | row, chosen | {key: lottery[key] for key in row}, filters | row]

    def _lottery(self, drawn: Sequence[str]) -> tuple[dict, RpgResNet]:
        """The row of iterative magnitude pruning, and the network as it was before."""
        model = self.free.untrained(self.dataset)
        have = sum(model.network.layer(name).weight_count for name in drawn)

        def trainer_of(network: RpgResNet, what: str) -> Trainer:
            label = f"IMP, {what}, seed {self.settings.seed}"
            return Trainer(network, self.dataset, self.free.recipe, self.free.seed, Run(self.processes, label))

        before, after, dense = imp(model, drawn, self.dof, self.rounds, self.rewind, trainer_of)
        return self._judged("IMP", model, after, self.dof) | {"accuracy_before": before, "dof_before": have}, dense

    @property
    def _measured(self) -> tuple[np.ndarray, np.ndarray]:
        return self.dataset.train_images[:_MEASURED], self.dataset.train_labels[:_MEASURED]

    def _train(self, model: RpgResNet, what: str, length: float = 1.0) -> float:
        label = f"{what}, seed {self.settings.seed}"
        return train_on(model, self.settings, self.dataset, self.processes, label, length=length)

    def _judged(self, what: str, model: RpgResNet, accuracy: float, dof: int) -> dict:
        macs = flops(model.network, kept_filters(model))
        return {"what": what, "seed": self.settings.seed, "accuracy": accuracy, "dof": dof, "macs": macs}


def _pruning(arguments: argparse.Namespace, seed: int, processes: Processes) -> _Pruning:
    """What is done for a seed, refused before anything is trained."""
    settings, free = settings_of(arguments, {}, seed), settings_of(arguments, VANILLA, seed)
    if not settings.model.residual:
        raise Refused(f"Filters of a {settings.model.network} cannot be pruned; give --network small or a ResNet")
    if not arguments.rewind < settings.recipe.epochs:
        raise Refused(f"Option --rewind must be below the epochs ({settings.recipe.epochs}), not {arguments.rewind}")
    if not arguments.prune_dof <= settings.model.rings.dof:
        raise Refused(
            f"Option --prune-dof must be at most the values of the ring ({settings.model.rings.dof}), not "
            f"{arguments.prune_dof}; give --dof above it"
        )
    dataset = judged_by(settings, arguments.data, arguments.judged)
    return _Pruning(settings, free, dataset, processes, arguments.prune_dof, arguments.rounds, arguments.rewind,
                    arguments.flops)


def _table(rows: Sequence[dict]) -> Table:
    table = Table("pruned", show_edge=False)
    for column in ("DoF before", "accuracy, %", "DoF after", "accuracy, %", "drop", "FLOPs"):
        table.add_column(column, justify="right")
    for what in dict.fromkeys(row["what"] for row in rows):
        mine = [row for row in rows if row["what"] == what]
        table.add_row(
            what, f"{mine[0]['dof_before']:,}", mean_and_deviation([row["accuracy_before"] for row in mine]),
            f"{mine[0]['dof']:,}", mean_and_deviation([row["accuracy"] for row in mine]),
            mean_and_deviation([row["accuracy_before"] - row["accuracy"] for row in mine]),
            f"{round(np.mean([row['macs'] for row in mine])):,}",
        )
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    seeds = seeds_of(arguments)
    output_folder(arguments.out)
    processes, rows = Processes.start(arguments.device), []
    for seed in seeds:
        task = _pruning(arguments, seed, processes)
        facts = {name: getattr(task, name) for name in ("dof", "rounds", "rewind", "share")}
        rows += kept_row(
            arguments.out, f"seed-{seed}", task.settings, task.dataset, lambda task=task: {"rows": task.rows()},
            device=processes.device.type, **facts,
        )["rows"]
    return publish(arguments, {"rows": rows}, _table(rows))


if __name__ == "__main__":
    run_command(main)

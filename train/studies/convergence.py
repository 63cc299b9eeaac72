"""The convergence-rate meter of the paper, and its experiment: a ring of half the weights against the whole network.

    python -m train.studies.convergence --data DIR --batches 64,256,1024

Ref: RPG (arXiv:2107.07110), section 5.6, "Convergence rate" and Fig. 5: with ``P_f`` the final accuracy, the
convergence iteration is when the accuracy, smoothed by a moving average, is within 5 % of ``P_f``. The learning rate is
constant: the paper looks at the time before it first falls.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from rich.table import Table
from torch import nn

from console.command import CommandParser, Several, Whole
from console.progress import progress_bars
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.data.batches import Batches
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.step import TrainingStep, make_optimizer
from train.loop.trainer import accuracy
from train.studies.variants import VANILLA, judged_by, publish, ring_parser, seeds_of, settings_of

__all__ = ["accuracy_curve", "convergence_iteration", "main", "moving_average", "parser"]


def moving_average(values: Sequence[float], window: int) -> np.ndarray:
    """Mean of each value and the up to ``window - 1`` before it: float array (n,)."""
    if window < 1:
        raise Refused(f"A moving average needs a window of at least 1, not {window}")
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(values, float)]))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - window, 0)
    return (sums[ends] - sums[starts]) / (ends - starts)


def convergence_iteration(accuracies: Sequence[float], window: int, tolerance: float = 0.05) -> int:
    """Number, from 1, of the first accuracy whose moving average is within ``tolerance`` times the last one of it.

    The "5 % range" is read as a fraction of ``P_f``, which the last average stands for. The first few averages are over
    fewer than ``window`` values.

    Raises
    ------
    Refused
        If there is no accuracy.
    """
    if not len(accuracies):
        raise Refused("A convergence rate needs at least one accuracy")
    smooth = moving_average(accuracies, window)
    return int(np.argmax(np.abs(smooth - smooth[-1]) <= tolerance * smooth[-1])) + 1


def accuracy_curve(
    model: nn.Module, dataset: Dataset, recipe: Recipe, seed: int, processes: Processes, *, every: int, judged: int
) -> list[float]:
    """Accuracy on the first ``judged`` held-out images after every ``every`` steps of training at constant rate."""
    model.to(processes.device).train()
    batches = Batches(
        dataset, batch=recipe.batch, seed=seed, augmentation=recipe.augmentation, device=processes.device
    )
    step = TrainingStep(model, make_optimizer(recipe, model), recipe, processes)
    images, labels = dataset.test_images[:judged], dataset.test_labels[:judged]
    found, done = [], 0
    with progress_bars(transient=True) as progress:
        for epoch in progress.track(range(recipe.epochs), description=f"batches of {recipe.batch}"):
            for batch in batches.epoch(epoch):
                step(*batch, recipe.lr)
                done += 1
                if done % every == 0:
                    found.append(accuracy(model, images, labels, processes=processes))
    return found


def parser() -> CommandParser:
    """The command line."""
    made = ring_parser("convergence", __doc__.splitlines()[0], dof=0, jobs=False)
    add = made.add_argument
    add("--batches", type=Several(Whole(1, 65536)), default=(64, 256),
        help="batch sizes, instead of --batch (default 64,256)")
    add("--every", type=Whole(1, 1_000_000), default=5,
        help="steps between two measurements (default 5)")
    add("--window", type=Whole(1, 1_000_000), default=10,
        help="measurements that the moving average takes (default 10)")
    add("--judged", type=Whole(1, 1_000_000), default=1000, help="held-out images of a measurement (default 1000)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``. With ``--dof 0`` the ring has half of the weights."""
    arguments = parser().parse_args(argv)
    torch.set_num_threads(1)
    processes, seeds = Processes.start(arguments.device), seeds_of(arguments)
    probe = settings_of(arguments, {"dof": 16}, 0)
    dataset = judged_by(probe, arguments.data)
    drawn = sum(slot.weight_count for ring in probe.untrained(dataset).rings for slot in ring.slots)
    dof = arguments.dof or drawn // 2
    rows = []
    table = Table("batch", "seed", "vanilla, steps", "ring, steps", "change", show_edge=False)
    for batch in arguments.batches:
        for seed in seeds:
            steps = {}
            for name, changes in (("vanilla", VANILLA), ("ring", {"dof": dof})):
                settings = settings_of(arguments, changes, seed)
                curve = accuracy_curve(
                    settings.untrained(dataset), dataset,
                    dataclasses.replace(settings.recipe, batch=batch, schedule="constant", milestones=()), seed,
                    processes, every=arguments.every, judged=arguments.judged,
                )
                steps[name] = arguments.every * convergence_iteration(curve, arguments.window)
                rows.append({"batch": batch, "seed": seed, "network": name, "steps": steps[name], "curve": curve})
            change = steps["ring"] / steps["vanilla"] - 1
            table.add_row(str(batch), str(seed), str(steps["vanilla"]), str(steps["ring"]), f"{change:+.0%}")
    return publish(arguments, {"dof": dof, "rows": rows}, table)


if __name__ == "__main__":
    run_command(main)

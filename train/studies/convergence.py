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
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import nn

from spec.refusal import Refused, run_command
from train.data import Dataset
from train.data.batches import Batches
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.step import TrainingStep, make_optimizer
from train.loop.trainer import accuracy
from train.studies.ring_options import (
    common,
    dataset_of,
    experiment_of,
    processes_of,
    publish,
    recipe_of,
    some_integers,
)

__all__ = ["accuracy_curve", "convergence_iteration", "main", "moving_average"]


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
    console = Console(stderr=True)
    epochs = range(recipe.epochs)
    for epoch in track(epochs, f"batches of {recipe.batch}", console=console, disable=not console.is_terminal):
        for batch in batches.epoch(epoch):
            step(*batch, recipe.lr)
            done += 1
            if done % every == 0:
                found.append(accuracy(model, images, labels, processes=processes))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = common("convergence", "Steps until a network with a ring and one without have converged (Fig. 5b, 5c).")
    add = parser.add_argument
    add("--batches", type=some_integers, default=(64, 256), help="batch sizes, instead of --batch")
    add("--dof", type=int, default=0, help="values of the ring; 0: half of the weights")
    add("--every", type=int, default=5, help="steps between two measurements")
    add("--window", type=int, default=10, help="measurements that the moving average takes")
    add("--judged", type=int, default=1000, help="held-out images of a measurement")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    dataset, recipe, processes = dataset_of(arguments), recipe_of(arguments), processes_of(arguments)
    probe = experiment_of(arguments, dof=16).model(dataset)
    dof = arguments.dof or sum(slot.weights for ring in probe.rings for slot in ring.slots) // 2
    rows = []
    table = Table("batch", "seed", "vanilla, steps", "ring, steps", "change", show_edge=False)
    for batch in arguments.batches:
        constant = dataclasses.replace(recipe, batch=batch, schedule="constant", milestones=())
        for seed in arguments.seeds:
            steps = {}
            ring = experiment_of(arguments, dof=dof, seed=seed)
            for name, experiment in (("vanilla", ring.vanilla()), ("ring", ring)):
                curve = accuracy_curve(
                    experiment.model(dataset), dataset, constant, seed, processes, every=arguments.every,
                    judged=arguments.judged,
                )
                steps[name] = arguments.every * convergence_iteration(curve, arguments.window)
                rows.append({"batch": batch, "seed": seed, "network": name, "steps": steps[name], "curve": curve})
            change = steps["ring"] / steps["vanilla"] - 1
            table.add_row(str(batch), str(seed), str(steps["vanilla"]), str(steps["ring"]), f"{change:+.0%}")
    publish(arguments, {"dof": dof, "rows": rows}, table)
    return 0


if __name__ == "__main__":
    run_command(main)

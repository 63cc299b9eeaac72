"""A multiscale block run to its equilibrium, beside the block run 2, 3 and 4 times with weights from one ring.

    python -m train.studies.equilibrium --data DIR --seeds 0,1,2

All have the degrees of freedom of one block, the same stem and the same classifier. Inference times are of the trained
networks, taken in turns in the same process; evaluations of the block are what they consist of.

Ref: RPG (arXiv:2107.07110), section 5.1, "Compared to Deep Equilibrium Models", Table 1.
"""

import argparse
import dataclasses
import statistics
import time
from collections.abc import Sequence

import numpy as np
import torch
from rich.table import Table
from torch import nn

from console.command import CommandParser, Number, Several, Whole
from spec.files import output_folder
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.equilibrium.multiscale import MultiscaleNet, MultiscaleShape
from train.equilibrium.solver import Anderson, Convergence
from train.loop.processes import Processes
from train.loop.settings import Settings
from train.studies.trained import kept_row, train_on
from train.studies.variants import judged_by, mean_and_deviation, own_parser, publish, seeds_of, settings_of

__all__ = ["inference_ms", "main", "parser"]

#: Rounds of a timing, and images at once.
_ROUNDS, _AT_ONCE = 5, 100


def parser() -> CommandParser:
    """The command line."""
    made = own_parser("equilibrium", __doc__.splitlines()[0], "adam-minute", (0, 1, 2))
    add, usual = made.add_argument, Anderson()
    add("--scales", type=Several(Whole(1, 4096)), default=(16, 32),
        help="channels of every resolution, the finest first (default 16,32)")
    add("--runs", type=Several(Whole(1, 64)), default=(2, 3, 4),
        help="how often the block with a ring runs (default 2,3,4)")
    add("--tolerance", type=Number(above=0, below=1), default=usual.tolerance,
        help=f"relative residual of an equilibrium, of the worst image (default {usual.tolerance:g})")
    add("--limit", type=Whole(1, 1000), default=usual.limit,
        help=f"evaluations of the block for one, forward or backward (default {usual.limit})")
    add("--memory", type=Whole(1, 64), default=usual.memory,
        help=f"points that the solver combines (default {usual.memory})")
    add("--failures", type=Whole(0, 1 << 31), default=100,
        help="equilibria that may not be found in a training, before it ends (default 100)")
    add("--judged", type=Whole(1, 1_000_000), default=2000, help="test images to judge by, at most (default 2000)")
    return made


@torch.no_grad()
def inference_ms(models: Sequence[nn.Module], images: np.ndarray, device: torch.device) -> list[float]:
    """Milliseconds an image in evaluation mode: the median over rounds in which the ``models`` take turns."""
    batch = torch.from_numpy(np.ascontiguousarray(images[:_AT_ONCE])).to(device)
    found: list[list[float]] = [[] for _ in models]
    for number in range(_ROUNDS + 1):
        for model, times in zip(models, found, strict=True):
            begun = time.perf_counter()
            model.eval()(batch).sum().item()  # Waits for a GPU.
            if number:  # The first round warms up.
                times.append(1000 * (time.perf_counter() - begun) / len(batch))
    return [statistics.median(times) for times in found]


@dataclasses.dataclass(frozen=True)
class _Task:
    """All networks of a seed."""

    settings: Settings
    shape: MultiscaleShape
    solver: Anderson
    failures: int
    runs: tuple[int, ...]
    processes: Processes

    def facts(self) -> dict:
        """What the rows depend on beside settings and data."""
        return {"scales": self.shape.scales, "solver": dataclasses.asdict(self.solver), "failures": self.failures,
                "runs": self.runs, "device": self.processes.device.type}

    def rows(self, dataset: Dataset) -> list[dict]:
        """Train and judge each network on ``dataset``, then time them."""
        models, rows = [], []
        for repeats in (0, *self.runs):
            name = f"ring {repeats}x" if repeats else "equilibrium"
            model = MultiscaleNet(
                self.shape, repeats, solver=self.solver, convergence=Convergence(self.failures),
                seed=self.settings.seed, generator=torch.Generator().manual_seed(self.settings.seed),
            )
            begun = time.process_time()
            label = f"{name}, seed {self.settings.seed}"
            accuracy = train_on(model, self.settings, dataset, self.processes, label)
            models.append(model)
            rows.append({
                "what": name, "seed": self.settings.seed, "accuracy": accuracy, "dof": model.degrees_of_freedom,
                "parameters": sum(p.numel() for p in model.parameters()), "training": _solved(model.convergence),
                "cpu_seconds": round(time.process_time() - begun, 1),
            })
        models[0].convergence.clear()
        times = inference_ms(models, dataset.test_images, self.processes.device)
        for row, repeats, took in zip(rows, (0, *self.runs), times, strict=True):
            row |= {"ms_per_image": round(took, 4), "evaluations": repeats}
        rows[0] |= {"evaluations": round(models[0].convergence.evaluations / models[0].convergence.solutions, 2),
                    "inference": _solved(models[0].convergence)}
        return rows


def _solved(convergence: Convergence) -> dict | None:
    """How solutions went, if there were any."""
    if not convergence.solutions:
        return None
    return {"solutions": convergence.solutions, "failures": convergence.failures,
            "evaluations": convergence.evaluations, "worst_residual": float(f"{convergence.worst:.4g}")}


def _task(arguments: argparse.Namespace, settings: Settings, dataset: Dataset, processes: Processes) -> _Task:
    return _Task(
        settings, MultiscaleShape(dataset.image, dataset.classes, arguments.scales),
        Anderson(arguments.tolerance, arguments.limit, arguments.memory), arguments.failures,
        tuple(dict.fromkeys(arguments.runs)), processes,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    seeds = seeds_of(arguments)
    if not arguments.runs:
        raise Refused("Give at least one of --runs")
    output_folder(arguments.out)
    processes, rows = Processes.start(arguments.device), []
    for seed in seeds:
        settings = settings_of(arguments, {}, seed)
        dataset = judged_by(settings, arguments.data, arguments.judged)
        task = _task(arguments, settings, dataset, processes)
        rows += kept_row(
            arguments.out, f"seed-{seed}", task.settings, dataset,
            lambda task=task, dataset=dataset: {"rows": task.rows(dataset)}, **task.facts(),
        )["rows"]
    table = Table("block", title=f"{rows[0]['dof']:,} degrees of freedom, {dataset.name}", show_edge=False)
    for column in ("accuracy, %", "ms an image", "evaluations", "worst residual", "CPU s"):
        table.add_column(column, justify="right")
    for name in dict.fromkeys(row["what"] for row in rows):
        mine = [row for row in rows if row["what"] == name]
        residuals = [row["inference"]["worst_residual"] for row in mine if "inference" in row]
        table.add_row(
            name, mean_and_deviation([row["accuracy"] for row in mine]),
            f"{np.mean([row['ms_per_image'] for row in mine]):.3f}",
            f"{np.mean([row['evaluations'] for row in mine]):.1f}", f"{max(residuals):.2g}" if residuals else "-",
            f"{np.mean([row['cpu_seconds'] for row in mine]):.0f}",
        )
    return publish(arguments, {"rows": rows}, table)


if __name__ == "__main__":
    run_command(main)

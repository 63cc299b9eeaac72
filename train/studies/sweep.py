"""Accuracy against degrees of freedom, the paper's log-linear law (Fig. 1d, 5a), as one command.

    python -m train.studies.sweep --data DIR --dofs 512,2048,8192,32768 --seeds 0,1,2
    python -m train.studies.sweep --data DIR --network vit --width 64

Fits ``accuracy = a + b*log10(DoF)`` to the rings below half of the weights, as the paper has it.

Ref: RPG (arXiv:2107.07110), section 5.2, "Power Law", and 5.1, "RPG for Transformers".
"""

from collections.abc import Sequence

import numpy as np
import torch
from rich.table import Table

from spec.files import write_text
from spec.refusal import Refused, run_command
from train.nets.addressing import Addressing
from train.studies.experiment import run_cells
from train.studies.plot import chart
from train.studies.ring_options import (
    common,
    dataset_of,
    experiment_of,
    mean_and_deviation,
    processes_of,
    publish,
    recipe_of,
    some_integers,
)

__all__ = ["fit_line", "main"]


def fit_line(dofs: Sequence[float], accuracies: Sequence[float]) -> dict[str, float]:
    """Least-squares ``accuracy = intercept + slope * log10(DoF)`` and the share of variance it explains.

    Raises
    ------
    Refused
        If there are fewer than two different degrees of freedom.
    """
    if len(set(dofs)) < 2:
        raise Refused(f"A line needs at least two rings of different size below half of the weights, not {list(dofs)}")
    x, y = np.log10(np.asarray(dofs, float)), np.asarray(accuracies, float)
    slope, intercept = np.polyfit(x, y, 1)
    spread = float(((y - y.mean()) ** 2).sum())
    rest = float(((y - intercept - slope * x) ** 2).sum())
    return {"slope": float(slope), "intercept": float(intercept), "r2": 1 - rest / spread if spread else 1.0}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = common("sweep", "Train rings of several sizes and fit accuracy against the logarithm of the size.")
    add = parser.add_argument
    add("--dofs", type=some_integers, default=(144, 576, 2304, 9216, 36864), help="values of the ring, one run each")
    add("--addressing", type=Addressing, choices=list(Addressing), default=Addressing.ELEMENT)
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    dataset, recipe, processes = dataset_of(arguments), recipe_of(arguments), processes_of(arguments)
    cells = {
        f"dof{dof}-{seed}": experiment_of(arguments, dof=dof, addressing=arguments.addressing, seed=seed)
        for dof in arguments.dofs for seed in arguments.seeds
    }
    vanilla = {f"vanilla-{seed}": experiment_of(arguments, seed=seed).vanilla() for seed in arguments.seeds}
    drawn = sum(slot.weights for ring in next(iter(cells.values())).model(dataset).rings for slot in ring.slots)
    found = run_cells(arguments.out, cells | vanilla, dataset, recipe, processes)
    points = [(dof, found[f"dof{dof}-{seed}"]) for dof in arguments.dofs for seed in arguments.seeds]
    below = [point for point in points if point[0] < drawn / 2]
    line = fit_line([dof for dof, _ in below], [accuracy for _, accuracy in below])
    ceiling = [found[name] for name in vanilla]
    table = Table("degrees of freedom", "accuracy, %", show_edge=False)
    for dof in arguments.dofs:
        values = [accuracy for size, accuracy in points if size == dof]
        table.add_row(f"{dof:,} ({dof / drawn:.2%})", mean_and_deviation(values))
    table.add_row(f"{drawn:,} (no ring)", mean_and_deviation(ceiling))
    table.add_row("per factor of ten", f"{100 * line['slope']:+.2f} (R2 {line['r2']:.3f})")
    picture = write_text(arguments.out / "sweep.svg", chart(
        points, line, title=f"{arguments.network} on {dataset.name}", ceiling=float(np.mean(ceiling)), whole=drawn,
    ))
    publish(arguments, {"weights": drawn, "points": points, "vanilla": ceiling, "line": line}, table, picture)
    return 0


if __name__ == "__main__":
    run_command(main)

"""Accuracy against degrees of freedom, the paper's log-linear law (Fig. 1d, 5a), as one command.

    python -m train.studies.sweep --data DIR --dofs 512,2048,8192,32768 --seeds 0,1,2
    python -m train.studies.sweep --data DIR --network vit --width 64

Fits ``accuracy = a + b*log10(DoF)`` to the rings below half of the weights, as the paper has it.

Ref: RPG (arXiv:2107.07110), section 5.2, "Power Law", and 5.1, "RPG for Transformers".
"""

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from console.command import CommandParser, Several, Whole
from spec.budgets import Budget
from spec.files import write_text
from spec.refusal import Refused, run_command
from train.studies.plot import chart
from train.studies.variants import VANILLA, cells_of, mean_and_deviation, publish, ring_parser, run_variants

__all__ = ["fit_line", "main", "parser"]


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


def parser() -> CommandParser:
    """The command line."""
    made = ring_parser("sweep", __doc__.splitlines()[0], dof=0)
    made.add_argument(
        "--dofs", type=Several(Whole(1, Budget.WEIGHTS.most)), default=(144, 576, 2304, 9216, 36864),
        help="values of the ring, a run each, instead of --dof (default 144,576,2304,9216,36864)",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    if not arguments.dofs:
        raise Refused("Give at least one of --dofs")
    groups = cells_of({f"dof{dof}": {"dof": dof} for dof in arguments.dofs} | {"vanilla": VANILLA}, arguments)
    settings = groups[f"dof{arguments.dofs[0]}"][0].settings
    dataset = settings.load(arguments.data)
    drawn = sum(slot.weight_count for ring in settings.untrained(dataset).rings for slot in ring.slots)
    found = run_variants(groups, dataset, arguments)
    accuracies = {name: [result["accuracy"] for result in results] for name, results in found.items()}
    ceiling = accuracies["vanilla"]
    points = [(dof, accuracy) for dof in arguments.dofs for accuracy in accuracies[f"dof{dof}"]]
    below = [point for point in points if point[0] < drawn / 2]
    line = fit_line([dof for dof, _ in below], [accuracy for _, accuracy in below])
    table = Table("degrees of freedom", "accuracy, %", show_edge=False)
    for dof in arguments.dofs:
        table.add_row(f"{dof:,} ({dof / drawn:.2%})", mean_and_deviation(accuracies[f"dof{dof}"]))
    table.add_row(f"{drawn:,} (no ring)", mean_and_deviation(ceiling))
    table.add_row("per factor of ten", f"{100 * line['slope']:+.2f} (R2 {line['r2']:.3f})")
    picture = write_text(arguments.out / "sweep.svg", chart(
        points, line, title=f"{settings.model.network} on {dataset.name}", ceiling=float(np.mean(ceiling)), whole=drawn,
    ))
    return publish(arguments, {"weights": drawn, "points": points, "vanilla": ceiling, "line": line}, table, picture)


if __name__ == "__main__":
    run_command(main)

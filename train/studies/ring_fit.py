"""Train one network with rings; the cell it writes is what ``train.studies.ring_export`` reads.

    python -m train.studies.ring_fit --data DIR --dof 4608 --addressing word --outside hnn --out build/rpg/fit

Interrupted, the same command goes on where it was.

Ref: RPG (arXiv:2107.07110), section 5.1.
"""

from collections.abc import Sequence

import torch
from rich.table import Table

from spec.refusal import Refused, run_command
from train.nets.addressing import Addressing
from train.nets.config import Method
from train.nets.ring_plan import Scope
from train.studies.experiment import train_cell
from train.studies.ring_options import common, dataset_of, experiment_of, processes_of, publish, recipe_of

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = common("fit", "Train one network with rings.")
    add = parser.add_argument
    add("--dof", type=int, default=4608, help="values of all rings together; 0: no rings")
    add("--addressing", type=Addressing, choices=list(Addressing), default=Addressing.WORD,
        help="word: the form that can be exported; element: the paper's")
    add("--no-flips", action="store_true", help="without random signs")
    add("--scope", type=Scope, choices=list(Scope), default=Scope.GLOBAL, help="who shares a ring")
    add("--parts", default="shortcut", help="what is in the rings besides the blocks: stem, shortcut, classifier")
    add("--outside", type=Method, choices=[Method.DENSE, Method.HNN], default=Method.HNN,
        help="layers outside the rings: dense, or hnn (supermasks), which can be exported")
    arguments = parser.parse_args(argv)
    if len(arguments.seeds) != 1:
        raise Refused(f"Option --seeds must be one seed for one network, not {list(arguments.seeds)}")
    torch.set_num_threads(1)
    experiment = experiment_of(
        arguments, dof=arguments.dof or None, addressing=arguments.addressing, flips=not arguments.no_flips,
        scope=arguments.scope, parts=tuple(part for part in arguments.parts.split(",") if part),
        outside=arguments.outside, seed=arguments.seeds[0],
    )
    cell = arguments.out / "cell.pt"
    _, history = train_cell(cell, experiment, dataset_of(arguments), recipe_of(arguments), processes_of(arguments))
    table = Table("epoch", "loss", "held-out accuracy, %", show_edge=False)
    for record in history:
        table.add_row(str(record["epoch"]), f"{record['loss']:.4f}", f"{100 * record['held_out_accuracy']:.2f}")
    publish(arguments, {"history": history, "cell": str(cell)}, table, cell)
    return 0


if __name__ == "__main__":
    run_command(main)

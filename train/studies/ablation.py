"""Do permutation and sign flips help? The four cells of the paper's Fig. 4b, as one command.

    python -m train.studies.ablation --data DIR --seeds 0,1,2

The defaults are a small network and a tiny ring whose size is a multiple of the filters', where the effect shows. The
paper's: ``--network resnet34 --width 64 --dof 2359296 --dataset cifar100 --shrink 1 --images 0 --recipe rpg-cifar``.

Ref: RPG (arXiv:2107.07110), section 5.7.
"""

from collections.abc import Sequence

import torch
from rich.table import Table

from spec.refusal import run_command
from train.nets.addressing import Addressing
from train.studies.experiment import run_cells
from train.studies.ring_options import (
    common,
    dataset_of,
    experiment_of,
    mean_and_deviation,
    processes_of,
    publish,
    recipe_of,
)

__all__ = ["VARIANTS", "main"]

#: Addressing and flips by name.
VARIANTS = {
    "permutation+flips": (Addressing.ELEMENT, True),
    "permutation": (Addressing.ELEMENT, False),
    "flips": (Addressing.PLAIN, True),
    "neither": (Addressing.PLAIN, False),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = common("ablation", "Train a network with a ring with and without permutation and flips (Fig. 4b).")
    parser.add_argument("--dof", type=int, default=1152, help="values of the ring")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    cells = {
        f"{name}-{seed}": experiment_of(arguments, dof=arguments.dof, addressing=addressing, flips=flips, seed=seed)
        for name, (addressing, flips) in VARIANTS.items() for seed in arguments.seeds
    }
    found = run_cells(
        arguments.out, cells, dataset_of(arguments), recipe_of(arguments), processes_of(arguments)
    )
    accuracies = {name: [found[f"{name}-{seed}"] for seed in arguments.seeds] for name in VARIANTS}
    table = Table("ring of " + f"{arguments.dof:,} values", "accuracy, %", show_edge=False)
    for name, values in accuracies.items():
        table.add_row(name, mean_and_deviation(values))
    publish(arguments, {"accuracies": accuracies}, table)
    return 0


if __name__ == "__main__":
    run_command(main)

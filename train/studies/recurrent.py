"""A sub-network run 1, 2, 3 and 4 times, with tied weights, a ring, or weights of its own for every run.

    python -m train.studies.recurrent --data DIR --seeds 0,1,2

All but the unshared networks have the degrees of freedom of one sub-network. It stands for the paper's Table 1
(repeated multiscale blocks), Table 4 (stacked pose machines) and Table 5 (batch norms shared or not).

Ref: RPG (arXiv:2107.07110), sections 4, 5.1, 5.3 and 5.4.
"""

from collections.abc import Sequence

import torch
from rich.table import Table

from spec.refusal import run_command
from train.nets.repeated import Sharing
from train.studies.experiment import REPEATED, run_cells
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

__all__ = ["VARIANTS", "main"]

#: Settings of each row of the table.
VARIANTS = {
    "tied, shared batch norms": {"sharing": Sharing.TIED, "own_norms": False},
    "tied, own batch norms": {"sharing": Sharing.TIED},
    "ring": {"sharing": Sharing.RING},
    "ring per block": {"sharing": Sharing.BLOCK_RINGS},
    "unshared": {"sharing": Sharing.UNSHARED},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = common(
        "recurrent", "Train a sub-network that is run several times (Tables 1, 4 and 5).", network=REPEATED, width=16
    )
    add = parser.add_argument
    add("--repeats", type=some_integers, default=(1, 2, 3, 4), help="how often the sub-network runs")
    add("--blocks", type=int, default=2, help="residual blocks of the sub-network")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    cells = {
        f"{name.replace(', ', '-').replace(' ', '-')}-{count}x-{seed}": experiment_of(
            arguments, repeats=count, blocks=arguments.blocks, seed=seed, **settings
        )
        for name, settings in VARIANTS.items() for count in arguments.repeats for seed in arguments.seeds
    }
    found = iter(
        run_cells(arguments.out, cells, dataset_of(arguments), recipe_of(arguments), processes_of(arguments)).values()
    )
    accuracies = {
        name: {count: [next(found) for _ in arguments.seeds] for count in arguments.repeats} for name in VARIANTS
    }
    table = Table("runs of the sub-network", *(f"{count}x" for count in arguments.repeats), show_edge=False)
    for name, row in accuracies.items():
        table.add_row(name, *(mean_and_deviation(values) for values in row.values()))
    publish(arguments, {"accuracies": accuracies}, table)
    return 0


if __name__ == "__main__":
    run_command(main)

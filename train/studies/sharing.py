"""Ways of sharing weights at the same degrees of freedom: the paper's Table 2 and its baselines, as one command.

    python -m train.studies.sharing --data DIR --dof 4608 --seeds 0,1,2

Ref: RPG (arXiv:2107.07110), section 5.1, "Comparison to Baselines"; HashedNets (Chen et al., ICML 2015) have a ring for
each layer and signs from a hash. The paper does not define "random weight share"; here any weight is any value of one
ring, without flips.
"""

from collections.abc import Sequence

import torch
from rich.table import Table

from spec.refusal import run_command
from train.nets.addressing import Addressing
from train.nets.ring_plan import Scope
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

__all__ = ["METHODS", "main"]

#: Settings of each way of sharing, by name.
METHODS = {
    "rpg": {"addressing": Addressing.ELEMENT},
    "rpg-stages": {"addressing": Addressing.ELEMENT, "scope": Scope.STAGE},
    "rpg-words": {"addressing": Addressing.WORD},
    "rpg-shuffle": {"addressing": Addressing.SHUFFLE},
    "random-sharing": {"addressing": Addressing.RANDOM, "flips": False},
    "hashing-trick": {"addressing": Addressing.HASH, "scope": Scope.LAYER},
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = common("sharing", "Train ways of sharing weights at the same degrees of freedom (Table 2).")
    parser.add_argument("--dof", type=int, default=4608, help="values of all rings together")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    cells = {
        f"{name}-{seed}": experiment_of(arguments, dof=arguments.dof, seed=seed, **settings)
        for name, settings in METHODS.items() for seed in arguments.seeds
    }
    cells |= {f"vanilla-{seed}": experiment_of(arguments, seed=seed).vanilla() for seed in arguments.seeds}
    found = run_cells(arguments.out, cells, dataset_of(arguments), recipe_of(arguments), processes_of(arguments))
    accuracies = {name: [found[f"{name}-{seed}"] for seed in arguments.seeds] for name in (*METHODS, "vanilla")}
    table = Table(f"{arguments.dof:,} degrees of freedom", "accuracy, %", show_edge=False)
    for name, values in accuracies.items():
        table.add_row(name if name != "vanilla" else "vanilla (all weights free)", mean_and_deviation(values))
    publish(arguments, {"accuracies": accuracies}, table)
    return 0


if __name__ == "__main__":
    run_command(main)

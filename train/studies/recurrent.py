"""A sub-network run 1, 2, 3 and 4 times, with tied weights, a ring, or weights of its own for every run.

    python -m train.studies.recurrent --data DIR --seeds 0,1,2

All but the unshared networks have the degrees of freedom of one sub-network. It stands for the paper's Table 1
(repeated multiscale blocks), Table 4 (stacked pose machines) and Table 5 (batch norms shared or not).

Ref: RPG (arXiv:2107.07110), sections 4, 5.1, 5.3 and 5.4.
"""

from collections.abc import Sequence

from rich.table import Table

from console.command import CommandParser, Several, Whole
from console.settings import set_usual
from spec.refusal import Refused, run_command
from train.nets.addressing import Addressing
from train.nets.config import REPEATED
from train.nets.repeated import Sharing
from train.studies.variants import accuracies_of, mean_and_deviation, publish, ring_parser

__all__ = ["VARIANTS", "main", "parser"]

#: Settings of each row of the table.
VARIANTS = {
    "tied, shared batch norms": {"sharing": Sharing.TIED, "own_norms": False},
    "tied, own batch norms": {"sharing": Sharing.TIED},
    "ring": {"sharing": Sharing.RING},
    "ring per block": {"sharing": Sharing.BLOCK_RINGS},
    "unshared": {"sharing": Sharing.UNSHARED},
}


def parser() -> CommandParser:
    """The command line."""
    # In the order of the network, all runs of a block draw the same values from one ring of this size as from a ring
    # for each block: two rows would be the same network.
    made = ring_parser("recurrent", __doc__.splitlines()[0], dof=0, addressing=Addressing.SHUFFLE)
    set_usual(made, network=REPEATED)
    made.add_argument(
        "--runs", type=Several(Whole(1, 64)), default=(1, 2, 3, 4),
        help="how often the sub-network runs, instead of --repeats (default 1,2,3,4)",
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    if not arguments.runs:
        raise Refused("Give at least one of --runs")
    found = accuracies_of({
        f"{name.replace(', ', '-').replace(' ', '-')}-{count}x": settings | {"repeats": count}
        for name, settings in VARIANTS.items() for count in arguments.runs
    }, arguments)
    values = iter(found.values())
    accuracies = {name: {count: next(values) for count in arguments.runs} for name in VARIANTS}
    table = Table("runs of the sub-network", *(f"{count}x" for count in arguments.runs), show_edge=False)
    for name, row in accuracies.items():
        table.add_row(name, *(mean_and_deviation(values) for values in row.values()))
    return publish(arguments, {"accuracies": accuracies}, table)


if __name__ == "__main__":
    run_command(main)

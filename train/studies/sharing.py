"""Ways of sharing weights at the same degrees of freedom: the paper's Table 2 and its baselines, as one command.

    python -m train.studies.sharing --data DIR --dof 4608 --seeds 0,1,2

Ref: RPG (arXiv:2107.07110), section 5.1, "Comparison to Baselines"; HashedNets (Chen et al., ICML 2015) have a ring for
each layer and signs from a hash. The paper does not define "random weight share"; here any weight is any value of one
ring, without flips.
"""

from collections.abc import Sequence

from console.command import CommandParser
from spec.refusal import run_command
from train.nets.addressing import Addressing
from train.nets.ring_plan import Scope
from train.studies.variants import VANILLA, compared, ring_parser

__all__ = ["METHODS", "main", "parser"]

#: Settings of each way of sharing, by name.
METHODS = {
    "rpg": {"addressing": Addressing.ELEMENT},
    "rpg-stages": {"addressing": Addressing.ELEMENT, "scope": Scope.STAGE},
    "rpg-words": {"addressing": Addressing.WORD},
    "rpg-shuffle": {"addressing": Addressing.SHUFFLE},
    "random-sharing": {"addressing": Addressing.RANDOM, "flips": False},
    "hashing-trick": {"addressing": Addressing.HASH, "scope": Scope.LAYER},
}


def parser() -> CommandParser:
    """The command line."""
    return ring_parser("sharing", __doc__.splitlines()[0], dof=4608)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    return compared(METHODS | {"vanilla": VANILLA}, arguments, f"{arguments.dof:,} degrees of freedom")


if __name__ == "__main__":
    run_command(main)

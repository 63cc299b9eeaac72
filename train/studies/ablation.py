"""Do permutation and sign flips help? The four cells of the paper's Fig. 4b, as one command.

    python -m train.studies.ablation --data DIR --seeds 0,1,2

The defaults are a small network and a tiny ring whose size is a multiple of the filters', where the effect shows. The
paper's: ``--recipe rpg-cifar --network resnet34 --dof 2359296``.

Ref: RPG (arXiv:2107.07110), section 5.7.
"""

from collections.abc import Sequence

from console.command import CommandParser
from spec.refusal import run_command
from train.nets.addressing import Addressing
from train.studies.variants import compared, ring_parser

__all__ = ["VARIANTS", "main", "parser"]

#: Settings of each cell.
VARIANTS = {
    "permutation+flips": {"addressing": Addressing.ELEMENT, "flips": True},
    "permutation": {"addressing": Addressing.ELEMENT, "flips": False},
    "flips": {"addressing": Addressing.PLAIN, "flips": True},
    "neither": {"addressing": Addressing.PLAIN, "flips": False},
}


def parser() -> CommandParser:
    """The command line."""
    return ring_parser("ablation", __doc__.splitlines()[0], dof=1152)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    return compared(VARIANTS, arguments, f"ring of {arguments.dof:,} values")


if __name__ == "__main__":
    run_command(main)

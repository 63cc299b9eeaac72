"""Files of a network with and without a ring, as the ring paper's "Storage" counts them: written, and looked at.

    python -m train.studies.storage

Each is what ``torch.save`` writes of the state of an untrained ResNet-18 for ImageNet, whose size is that of a trained
one: values of the ring, stem, classifier, batch norms and their statistics. Which value a weight is follows from a
seed, of which nothing is stored but the number. With 8 bits, the ring's values are stored as bytes.

Ref: RPG (arXiv:2107.07110), section 5.6, "Storage", which does not give the degrees of freedom; those of Table 3.
"""

import io
from collections.abc import Sequence
from pathlib import Path

import torch
from rich.table import Table

from console.command import CommandParser, Several, Whole, add_json, add_out
from spec.budgets import Budget
from spec.files import output_folder, write_bytes
from spec.refusal import Refused, run_command
from spec.ring import RING_WORD
from train.deploy.ring_integers import make_integer, ring_limit
from train.nets.config import Method, ModelConfig
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import Rings
from train.studies.variants import publish

__all__ = ["PRINTED_MIB", "main", "parser", "state_of", "untrained"]

#: Megabytes that the paper prints, by degrees of freedom; they agree with ours in units of 2**20 bytes.
PRINTED_MIB = {0: 45.0, 5_500_000: 23.0, 2_000_000: 9.5}

#: What files are called, in and out of the ring's 8 bits.
_FLOATS, _BYTES = "float32", "int8 ring"


def untrained(dof: int, width: int, net_seed: int = 0) -> RpgResNet:
    """ResNet-18 for ImageNet of ``width`` with a ring of ``dof`` values, or with all weights free for 0."""
    config = ModelConfig.of(Method.DENSE, network="resnet18", width=width, net_seed=net_seed, rings=Rings(dof))
    return RpgResNet(config.topology("resnet18", (224, 224, 3), 1000), config, torch.Generator().manual_seed(0))


def state_of(model: RpgResNet, eight_bits: bool) -> dict:
    """What is stored of ``model``; with ``eight_bits`` its rings are rounded, and stored as integers and their step."""
    if not eight_bits:
        return model.state_dict()
    found = make_integer(model.rings, ring_limit(None))
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("rings.")}
    return state | {f"ring.{name}": (torch.from_numpy(values), step) for name, (values, step) in found.items()}


def _written(path: Path, state: dict) -> int:
    """Bytes of the file that ``state`` was written to."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return write_bytes(path, buffer.getvalue()).stat().st_size


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.studies.storage", description=__doc__.splitlines()[0])
    add, out = made.add_argument, Path("build/studies/storage")
    add("--dofs", type=Several(Whole(0, Budget.WEIGHTS.most)), default=tuple(PRINTED_MIB),
        help="values of the ring, a file each; 0: no ring (default 0,5500000,2000000)")
    add("--width", type=Whole(1, 512), default=64, help="channels of the stem (default 64: the paper's)")
    add_out(made, f"folder of files and result (default {out})", out)
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    dofs = tuple(dict.fromkeys(arguments.dofs))
    wrong = [dof for dof in dofs if dof % RING_WORD]
    if not dofs or wrong:
        raise Refused(f"Option --dofs must be multiples of {RING_WORD}, at least one, not {','.join(map(str, dofs))!r}")
    out, rows, files = output_folder(arguments.out), [], []
    for dof in dofs:
        for form in (_FLOATS, _BYTES) if dof else (_FLOATS,):
            path = out / f"dof{dof}-{form.replace(' ', '-')}.pt"
            size = _written(path, state_of(untrained(dof, arguments.width), form == _BYTES))
            paper = PRINTED_MIB.get(dof) if arguments.width == 64 and form == _FLOATS else None
            rows.append({"dof": dof, "form": form, "bytes": size, "paper_mib": paper})
            files.append(path)
    whole = next((row["bytes"] for row in rows if not row["dof"]), None)
    table = Table("values of the ring", "stored as", show_edge=False)
    for column in ("file, MiB", "paper, MB", "smaller than without, %"):
        table.add_column(column, justify="right")
    for row in rows:
        saved = f"{100 * (1 - row['bytes'] / whole):.0f}" if whole and row["dof"] else "-"
        table.add_row(f"{row['dof']:,}" if row["dof"] else "no ring", row["form"], f"{row['bytes'] / 2**20:.2f}",
                      f"{row['paper_mib']:g}" if row["paper_mib"] else "-", saved)
    return publish(arguments, {"rows": rows}, table, *files)


if __name__ == "__main__":
    run_command(main)

"""Parameters and bytes of the paper's networks, beside what it prints of them, and what the accelerator stores.

    python -m train.sizes
    python -m train.sizes --json --out build/sizes.json

Nothing is allocated: all is counted from the description of a network.

Ref: Hidden-Fold Networks (IEEE Access 2023), sections III-E and IV-C4, and Tables 2 and 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, add_json, add_out
from console.record import json_text
from console.screen import screen
from spec.files import write_text
from spec.layer import Layer, Role
from spec.network import Network
from spec.refusal import run_command
from spec.ring import RING_WORD
from spec.supermask import Mode, packed_bytes
from train.nets.config import SMALL, Method, ModelConfig
from train.nets.paper_tables import CLAIMS, INCONSISTENT, PRINTED, Claim, Printed

__all__ = ["Size", "checked_claim", "chip_bytes", "compare", "every_network", "main", "named", "parser", "size_of"]

#: Problems of the paper: height, width and channels of an image, and classes.
PROBLEMS = {"CIFAR100": ((32, 32, 3), 100), "ImageNet": ((224, 224, 3), 1000)}

#: Problems of the small network.
SMALL_PROBLEMS = {"8x8": ((8, 8, 1), 10), "28x28": ((28, 28, 1), 10)}

#: Name and factor on inner channels of all networks, by the paper's names.
NETWORKS = {
    "RN18": ("resnet18", 1.0), "RN34": ("resnet34", 1.0), "RN50": ("resnet50", 1.0), "RN101": ("resnet101", 1.0),
    "RN152": ("resnet152", 1.0), "RN200": ("resnet200", 1.0), "WRN50": ("resnet50", 2.0),
}

#: How the paper counts, found by matching its tables; stated under ours.
RULES = """\
W: weights of all convolutions and the classifier, a folded block once. G: channels of all batch norms that learn gamma
and beta; UBN counts once per iteration. No layer has a bias; running statistics and seeds are not counted.
                parameters                  bytes                batch norms that learn
  dense         W + G (gamma only)          4 (W + 2 G)          all
  folded   F-   W + G (gamma only)          4 (W + 2 G)          those of folded blocks
  hidden   H-   30 % of W, layer by layer   W / 8                none
  HFN      HF-  the same + 2 G              W / 8 + 4 (2 G)      those of folded blocks
30 % of a layer is rounded down. 1 MB is 10^6 bytes. Reduction is against the dense network of the table and data."""

#: Bytes of a word of one plane of a ring: two bits for each of its trits.
_WORD_BYTES = 2 * RING_WORD // 8

#: Columns that the tables need.
_WIDTH = 108

#: How the accelerator counts.
CHIP_RULES = """\
What the accelerator stores: the mask (any: 1 bit per weight, input channels filled up to a multiple of 4; 1of4: half a
bit in the blocks) and one 32-bit entry per channel and iteration of EVERY batch norm, because one that learns nothing
still has statistics. The seed is 4 bytes."""


@dataclass(frozen=True)
class Size:
    """A network as the paper counts it.

    Parameters
    ----------
    weight_count, affine : int
        W and G of :data:`RULES`.
    parameters, bytes : int
    """

    weight_count: int
    affine: int
    parameters: int
    bytes: int


def size_of(network: Network, method: Method) -> Size:
    """Size of ``network`` trained by ``method`` at its density, by :data:`RULES`."""
    weights = network.weight_count
    affine = sum(layer.outputs * layer.iterations for layer in network.layers if _learns(layer, method))
    if not method.masks:
        return Size(weights, affine, weights + affine, 4 * (weights + 2 * affine))
    # keep_count rounds up, the paper's "used" weights down.
    kept = sum(int(Fraction(repr(network.density)) * layer.weight_count) for layer in network.own_layers)
    return Size(weights, affine, kept + 2 * affine, -(-weights // 8) + 8 * affine)


def _learns(layer: Layer, method: Method) -> bool:
    """Whether the batch norm after ``layer`` has gamma and beta in the paper's networks."""
    return layer.role is not Role.CLASSIFIER and (method is Method.DENSE or layer.iterations > 1)


def chip_bytes(network: Network) -> int:
    """Bytes the accelerator stores of ``network``: packed masks, planes of rings, 32-bit entries, seed."""
    masks = sum(packed_bytes(layer.shape, layer.mode) for layer in network.own_layers if layer.ring is None)
    rings = sum(_WORD_BYTES * ring.words * ring.planes for ring in network.rings)
    entries = sum(layer.outputs * layer.iterations for layer in network.layers if layer.role is not Role.CLASSIFIER)
    return masks + rings + 4 * entries + 4


def named(name: str, problem: str, method: Method, mode: Mode = Mode.ANY) -> Network:
    """The paper's network ``name`` (:data:`NETWORKS`, or :data:`train.nets.config.SMALL`) for ``problem``."""
    if name == SMALL:
        return ModelConfig.of(method, mode=mode).topology(SMALL, *SMALL_PROBLEMS[problem])
    network, wider = NETWORKS[name]
    return ModelConfig.of(method, network=network, wider=wider, mode=mode).topology(name, *PROBLEMS[problem])


def compare(printed: Printed) -> dict:
    """A row of the paper beside what :data:`RULES` give, each column with both figures, difference and agreement.

    Two figures agree if the computed one, rounded to as many digits, is the printed one.
    """
    base = next(row for row in PRINTED if (row.table, row.problem) == (printed.table, printed.problem))
    size, dense = (size_of(named(row.network, row.problem, row.method), row.method) for row in (printed, base))
    computed = {
        "parameters": size.parameters / 1e6, "megabytes": size.bytes / 1e6, "reduction": dense.bytes / size.bytes
    }
    columns = {}
    for column, value in computed.items():
        text = getattr(printed, column)
        if text:
            shown = f"{value:.2f}"
            columns[column] = {
                "paper": float(text), "computed": round(value, 4), "difference": round(float(shown) - float(text), 2),
                "agrees": shown == text,
                "explanation": INCONSISTENT.get((printed.table, printed.problem, printed.name, column)),
            }
    return {
        "table": printed.table, "problem": printed.problem, "network": printed.name,
        "weights": size.weight_count, "affine_channels": size.affine, "columns": columns,
    }


def checked_claim(claim: Claim) -> dict:
    """A ratio of the paper's text beside what :data:`RULES` give; ``agrees`` as in :func:`compare`."""
    dense, network = (size_of(named(claim.network, claim.problem, m), m) for m in (Method.DENSE, claim.method))
    ratio = dense.bytes / network.bytes
    return {
        "where": claim.where, "problem": claim.problem, "network": claim.method.prefix.upper() + claim.network,
        "dense": claim.network, "dense_bytes": dense.bytes, "bytes": network.bytes, "paper": float(claim.reduction),
        "computed": round(ratio, 4), "agrees": f"{ratio:.2f}" == claim.reduction,
    }


def every_network() -> list[dict]:
    """Sizes of all networks on all problems by all methods: by the paper's counting, and on the accelerator.

    Where nothing folds (stages of two blocks in ResNet-18) the folded networks are the others, and left out.
    """
    cases = [(name, problem) for problem in PROBLEMS for name in NETWORKS]
    cases += [(SMALL, problem) for problem in SMALL_PROBLEMS]
    return [
        _row(name, problem, method) for name, problem in cases for method in Method
        if not method.folds or any(block.iterations > 1 for block in named(name, problem, method).blocks)
    ]


def _row(name: str, problem: str, method: Method) -> dict:
    network = named(name, problem, method)
    size = size_of(network, method)
    row = {
        "problem": problem, "network": method.prefix.upper() + name, "weights": size.weight_count,
        "parameters": size.parameters, "bytes": size.bytes,
    }
    if method.masks:
        row["chip_bytes_any"] = chip_bytes(network)
        row["chip_bytes_1of4"] = chip_bytes(named(name, problem, method, Mode.ONE_OF_FOUR))
    return row


def _comparison(rows: Sequence[dict]) -> tuple[list[Table], list[str]]:
    """Tables 2 and 3 with the paper's figures, ours and the difference; and notes on cells that do not agree."""
    tables, notes = [], []
    for number in sorted({row["table"] for row in rows}):
        table = Table("data", "model", title=f"Table {number} of the paper: printed, computed, difference")
        for column in ("parameters, 10^6", "size, MB", "reduction"):
            table.add_column(column, justify="right")
        for row in rows:
            if row["table"] != number:
                continue
            cells = []
            for column in ("parameters", "megabytes", "reduction"):
                cell = row["columns"].get(column)
                if cell is None:
                    cells.append("-")
                    continue
                mark = ""
                if not cell["agrees"]:
                    mark = f" ({chr(ord('a') + len(notes))})"
                    notes.append(f"{mark.strip()} {row['network']}, {row['problem']}: {cell['explanation']}")
                cells.append(f"{cell['paper']:.2f}  {cell['computed']:.4f}  {cell['difference']:+.2f}{mark}")
            table.add_row(row["problem"], row["network"], *cells)
        tables.append(table)
    return tables, notes


def _networks(rows: Sequence[dict]) -> Table:
    table = Table("data", "network", title="Every network: millions of weights and parameters, and MB")
    for column in ("weights", "parameters", "paper's size", "chip, any", "chip, 1of4"):
        table.add_column(column, justify="right")
    for row in rows:
        keys = ("weights", "parameters", "bytes", "chip_bytes_any", "chip_bytes_1of4")
        table.add_row(row["problem"], row["network"], *(f"{row[key] / 1e6:.4f}" if key in row else "-" for key in keys))
    return table


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.sizes", description=__doc__.splitlines()[0])
    add_out(made, "file to write (default build/sizes.json)", Path("build/sizes.json"))
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; exit 1 if a cell or a claim differs from the paper without an explanation."""
    arguments = parser().parse_args(argv)
    printed = [compare(row) for row in PRINTED]
    claims = [checked_claim(claim) for claim in CLAIMS]
    data = {"paper": printed, "claims": claims, "networks": every_network()}
    text = json_text(data)
    written = write_text(arguments.out, text)
    cells = [cell for row in printed for cell in row["columns"].values()]
    unexplained = [cell for cell in cells if not cell["agrees"] and cell["explanation"] is None]
    unexplained += [claim for claim in claims if not claim["agrees"]]
    if arguments.json:
        print(text, end="")
        return int(bool(unexplained))
    console = screen()
    console.width = max(console.width, _WIDTH)
    tables, notes = _comparison(printed)
    for table in tables:
        console.print(table)
    agreeing = sum(cell["agrees"] for cell in cells)
    print(f"{agreeing} of {len(cells)} cells are the paper's to the printed digit; the others contradict the paper:")
    print("\n".join(notes))
    for claim in claims:
        print(
            f"Of {claim['network']}, {claim['problem']}, the paper says {claim['paper']:g} times smaller than "
            f"{claim['dense']} ({claim['where']}): {claim['dense_bytes']:,} / {claim['bytes']:,} bytes = "
            f"{claim['computed']:.4f}"
        )
    print(RULES)
    console.print(_networks(data["networks"]))
    print(CHIP_RULES)
    print(written)
    return int(bool(unexplained))


if __name__ == "__main__":
    run_command(main)

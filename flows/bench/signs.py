"""Sign bits that the weight generator makes per cycle and LUT, from a synthesis run.

`python -m flows.bench signs`. A fetch delivers the signs of ``weight_rows`` rows of a word of C channels in the cycle
in which it is made, so ``weight_rows * C`` bits a cycle; LUTs are those of its component in ``synth.json``, which has
its XOR networks, the states of all rows and their multiplexers.
"""

import argparse
import hashlib
from pathlib import Path

from rich.table import Table

from flows.bench.synthesis import synthesized
from spec.config import AcceleratorConfig
from spec.documents import read_json
from spec.refusal import Refused

__all__ = ["ROOMS", "add_options", "check", "failed", "inputs", "measure", "sign_row", "tables"]

ROOMS = ("spec", "rtl", "gen", "flows/synth", "flows/tools", "flows/bench/signs.py", "flows/bench/synthesis.py")

#: Component of flows.synth that makes the signs.
_COMPONENT = "weights.signs"

#: The build that is synthesized if no synthesis is given: small memories, which the generator has nothing to do with.
_BUILD = ("--pe", "16", "--x-bytes", "1024", "--t-bytes", "1024", "--mask-bits", "16384", "--entries", "256")


def sign_row(record: dict) -> dict:
    """Bits per cycle, LUTs and their ratio of a build, from its ``synth.json``."""
    config, synthesis = AcceleratorConfig.from_json(record["config"]), record["synthesis"]
    bits, luts = config.weight_rows * config.word_bytes, synthesis["components"][_COMPONENT]["lut"]
    return {
        "pe": config.pe,
        "target": record["target"],
        "sign_bits_per_cycle": bits,
        "luts": luts,
        "sign_bits_per_cycle_and_lut": bits / luts,
        "tool": synthesis["tool"],
        "version": synthesis["version"],
        "stage": synthesis["stage"],
    }


def tables(data: dict) -> list[Table]:
    """For people."""
    table = Table("PEs", "target", "bits/cycle", "LUT", "bits/cycle/LUT", title="Generated sign bits",
                  caption="LUTs of the weight generator after synthesis")
    for row in data["rows"]:
        table.add_row(str(row["pe"]), row["target"], str(row["sign_bits_per_cycle"]), f"{row['luts']:,}",
                      f"{row['sign_bits_per_cycle_and_lut']:.4f}")
    return [table]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--synthesis", type=Path, nargs="+", default=[], metavar="JSON",
                        help="by flows.synth (default: 16 PEs on ECP5 are synthesized)")


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that cannot be."""
    for path in arguments.synthesis:
        if not path.is_file():
            raise Refused(f"There is no synthesis {path}; python -m flows.synth makes one")


def inputs(arguments: argparse.Namespace) -> dict:
    """What the result depends on, beside code and tools."""
    return {"synthesis": [hashlib.sha256(path.read_bytes()).hexdigest() for path in arguments.synthesis]}


def measure(arguments: argparse.Namespace) -> dict:
    """A row for every synthesis."""
    paths = arguments.synthesis or [synthesized(_BUILD, arguments.out / "synth")]
    return {"rows": [_row(path) for path in paths]}


def _row(path: Path) -> dict:
    try:
        return sign_row(read_json(path, "Synthesis", "make it again with flows.synth"))
    except Refused:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"File {path} is no synthesis by flows.synth ({error!r}); make it again") from None


def failed(data: dict) -> bool:
    """Never: there is no goal."""
    return False

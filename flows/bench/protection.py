"""What the parity of the memories that hold the model costs: LUTs, block RAMs, and cycles of an inference.

`python -m flows.bench protection`. The same build with ``--protect parity`` and with ``--protect none``, both
synthesized here; cycles by the exact model, which every simulation of either build is compared with.
"""

import argparse
import json
from pathlib import Path

from rich.table import Table

from console.command import Whole
from flows.bench.synthesis import synthesized
from gen.compile import compile_model
from gen.cycles import predict
from spec.config import SHAPES, AcceleratorConfig
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

__all__ = ["GOAL", "ROOMS", "add_options", "check", "failed", "inputs", "measure", "protection_row", "tables"]

ROOMS = (
    "spec", "rtl", "gen", "flows/synth", "flows/tools", "flows/bench/protection.py", "flows/bench/synthesis.py",
)

#: Most LUTs with protection, as a multiple of those without; and it takes no cycle.
GOAL = 1.03

_KINDS = ("lut", "ff", "bram")


def protection_row(records: dict[str, dict]) -> dict:
    """Resources of both builds, the ratio of their LUTs, and cycles of a small network, from each ``synth.json``."""
    configs = {name: AcceleratorConfig.from_json(record["config"]) for name, record in records.items()}
    model = synthetic_model(
        residual_network("t", image=(8, 8, 3), classes=10, widths=(16, 32), iterations=(2, 0)), seed=1
    )
    used = {
        name: {kind: record["synthesis"]["resources"][kind]["used"] for kind in _KINDS}
        for name, record in records.items()
    }
    return {
        "pe": configs["parity"].pe,
        "target": records["parity"]["target"],
        **used,
        "lut_ratio": used["parity"]["lut"] / used["none"]["lut"],
        "cycles": {name: predict(compile_model(model, config)).total for name, config in configs.items()},
    }


def tables(data: dict) -> list[Table]:
    """For people."""
    table = Table("PEs", "LUT without", "with parity", "ratio", "block RAMs", "cycles of an inference",
                  title="Protection of program, masks, entries and rings",
                  caption=f"goal: at most {GOAL:g} times the LUTs, no cycle; after synthesis")
    for row in data["rows"]:
        table.add_row(
            str(row["pe"]), f"{row['none']['lut']:,}", f"{row['parity']['lut']:,}", f"{row['lut_ratio']:.3f}",
            f"{row['none']['bram']} → {row['parity']['bram']}", f"{row['cycles']['none']} → {row['cycles']['parity']}",
        )
    return [table]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument(
        "--protection-pe", type=Whole(min(SHAPES), max(SHAPES)), default=16,
        help=f"PEs of the two builds, one of {', '.join(map(str, SHAPES))} (default 16)",
    )


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that cannot be."""
    if arguments.protection_pe not in SHAPES:
        raise Refused(f"Option --protection-pe must be one of {list(SHAPES)}, not {arguments.protection_pe}")


def inputs(arguments: argparse.Namespace) -> dict:
    """What the result depends on, beside code and tools."""
    return {"pe": arguments.protection_pe}


def measure(arguments: argparse.Namespace) -> dict:
    """Synthesize both builds."""
    out = Path(arguments.out) / f"protection-pe{arguments.protection_pe}"
    records = {
        name: json.loads(
            synthesized(("--pe", str(arguments.protection_pe), "--protect", name), out / name).read_text()
        )
        for name in ("none", "parity")
    }
    return {"rows": [protection_row(records)]}


def failed(data: dict) -> bool:
    """Whether it costs more LUTs than the goal allows, or any cycle."""
    return any(
        row["lut_ratio"] > GOAL or row["cycles"]["none"] != row["cycles"]["parity"] for row in data["rows"]
    )

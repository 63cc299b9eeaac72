"""What a run found, as JSON and as lines for the terminal."""

from collections import Counter
from dataclasses import asdict

from rich.table import Table

from flows.synth.netlist import Counts
from flows.synth.nextpnr import Routed
from flows.tools.targets import NAMES, Target
from spec.config import AcceleratorConfig

__all__ = ["line", "route_record", "synthesis_record", "table"]


def synthesis_record(
    config: AcceleratorConfig, target: Target, version: str, cells: Counter, components: Counts
) -> dict:
    """Counts after synthesis, and where they come from."""
    total = sum(components.values(), Counter())
    return {
        "tool": "Yosys (pyosys)",
        "version": version,
        "stage": "synthesis",
        "command": target.synthesis,
        "counted": "flattened design; registers, adders and memories by the module they were written in, LUTs by what "
                   "they feed",
        "lut_unit": target.lut_unit,
        "cells": dict(sorted(cells.items())),
        "resources": {
            name: {"used": total[name], "of": have} for name, have in target.capacity.items()
        },
        "lut_per_pe": total["lut"] / config.pe,
        "components": {name: {resource: counts[resource] for resource in NAMES} for name, counts in components.items()},
    }


def route_record(program: str, version: str, seed: int, mhz: float, routed: Routed) -> dict:
    """What place and route found, and where it comes from."""
    return {
        "tool": program, "version": version, "seed": seed, "stage": "routed", "asked_mhz": mhz,
    } | asdict(routed)


def line(pe: int, target: str, record: dict) -> str:
    """One line: what the build takes, and how fast it is if that is known."""
    synthesis, route = record["synthesis"], record["route"]
    counts = ", ".join(
        f"{part['used']:,} {NAMES[name]} ({100 * part['used'] / part['of']:.0f} %)" if part["of"] else
        f"{part['used']:,} {NAMES[name]}" for name, part in synthesis["resources"].items()
    )
    speed = (
        f"{route['fmax_mhz']:.1f} MHz routed ({route['tool']} {route['version']}, seed {route['seed']})" if route
        else "not routed"
    )
    return (
        f"{pe} PEs on {target}: {counts}; {synthesis['lut_per_pe']:.1f} LUT per PE "
        f"(Yosys {synthesis['version']}, synthesis); {speed}"
    )


def table(record: dict) -> Table:
    """Resources by component, the largest first."""
    synthesis = record["synthesis"]
    made = Table("component", *NAMES.values(), title=f"{record['pe']} PEs, {record['part']}",
                 caption=f"{synthesis['lut_unit']}. Counted: {synthesis['counted']}.")
    rows = sorted(synthesis["components"].items(), key=lambda row: -row[1]["lut"])
    for name, counts in rows:
        made.add_row(name, *(f"{counts[resource]:,}" for resource in NAMES))
    return made

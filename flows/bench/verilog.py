"""How long the Verilog of a build is, and how long it takes to be made.

`python -m flows.bench verilog`. Seconds are wall-clock, of Amaranth and Yosys, without compiling a model.
"""

import argparse
import time

from rich.table import Table

from console.command import Several, Whole
from console.progress import progress_bars
from gen.verilog import accelerator_verilog
from spec.config import config_for

__all__ = ["ROOMS", "add_options", "check", "failed", "inputs", "measure", "tables", "verilog_row"]

ROOMS = ("spec", "rtl", "gen", "flows/bench/verilog.py")


def verilog_row(pe: int) -> dict:
    """Lines, bytes and seconds of the build of ``pe`` PEs."""
    begin = time.perf_counter()
    text = accelerator_verilog(config_for(pe))
    seconds = time.perf_counter() - begin
    return {"pe": pe, "lines": text.count("\n"), "bytes": len(text.encode()), "seconds": round(seconds, 3)}


def tables(data: dict) -> list[Table]:
    """For people."""
    table = Table("PEs", "lines", "bytes", "seconds", title="Verilog")
    for row in data["rows"]:
        table.add_row(str(row["pe"]), f"{row['lines']:,}", f"{row['bytes']:,}", f"{row['seconds']:.1f}")
    return [table]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--emit", type=Several(Whole(16, 1 << 17)), default=(16, 64, 256), metavar="PE",
                        help="PEs to make Verilog of (default 16,64,256)")


def check(arguments: argparse.Namespace) -> None:
    """Refuse options that cannot be."""
    for pe in arguments.emit:
        config_for(pe)


def inputs(arguments: argparse.Namespace) -> dict:
    """What the result depends on, beside code and tools."""
    return {"emit": list(arguments.emit)}


def measure(arguments: argparse.Namespace) -> dict:
    """A row for every size."""
    with progress_bars() as progress:
        return {"rows": [verilog_row(pe) for pe in progress.track(arguments.emit, description="Verilog")]}


def failed(data: dict) -> bool:
    """Never: there is no goal."""
    return False

"""Area of a build in silicon, which no model is needed for: its cells, mapped by Yosys, and its memories."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from console.kept import kept_folder
from console.progress import progress_bars
from flows.asic import mapping, power, report
from flows.asic.library import Library, find_liberty, read_library
from flows.asic.memories import Memory, load_macros, memories_of
from flows.tools import yosys
from gen.verilog import TOP, accelerator_verilog
from spec.config import AcceleratorConfig

__all__ = ["NODE_NM", "area_record", "estimate_area", "map_build", "mapped"]

#: Node of the library that is used by default.
NODE_NM = 45.0


def map_build(
    config: AcceleratorConfig, library: Library, liberty: Path, clock_ns: float, out: Path, progress: Progress
) -> Path:
    """Folder of the build's netlist of cells, made or found in ``out``.

    Raises
    ------
    ToolFailed
        If Yosys fails.
    """
    verilog = accelerator_verilog(config)
    steps = mapping.commands(liberty.resolve(), library, clock_ns)
    bar = progress.add_task("mapping", total=len(steps))

    def on_line(line: str) -> None:
        if found := yosys.pass_of(line):
            number, name = found
            progress.update(bar, completed=min(number, len(steps)), description=f"mapping: {name}")

    inputs = {
        "verilog": verilog, "clock_ns": clock_ns, "yosys": yosys.version(),
        "liberty": hashlib.sha256(liberty.read_bytes()).hexdigest(),
    }
    folder, _ = kept_folder(out, "mapping", inputs, lambda folder: mapping.map_design(
        verilog, liberty.resolve(), library, clock_ns, folder, on_line
    ))
    progress.update(bar, completed=len(steps), description="mapping")
    return folder


def mapped(netlist: Path) -> dict:
    """The flattened accelerator in the folder that :func:`map_build` returned."""
    return json.loads((netlist / mapping.NETLIST).read_text())["modules"][TOP]


def area_record(
    netlist: Path, memories: Mapping[str, Memory], library: Library, liberty: Path, clock_ns: float
) -> dict:
    """:func:`flows.asic.report.area_record` of a mapped build."""
    return report.area_record(
        power.areas(mapped(netlist), library), memories, library, liberty.name, mapping.slowest(netlist), clock_ns,
        yosys.version(),
    )


def estimate_area(
    config: AcceleratorConfig, clock_ns: float, out: Path, console: Console, liberty: Path | None = None
) -> dict:
    """Area of ``config`` in the library at ``liberty``, by default the open one. What an image takes is not in it.

    Raises
    ------
    Refused
        If there is no library.
    ToolFailed
        If Yosys fails.
    """
    liberty = find_liberty(liberty)
    library = read_library(liberty)
    with progress_bars(console, transient=True) as progress:
        netlist = map_build(config, library, liberty, clock_ns, out, progress)
    memories = memories_of(config, Counter(), load_macros(NODE_NM, library.volts))
    record = area_record(netlist, memories, library, liberty, clock_ns)
    for memory in record["memories"].values():
        del memory["bits_per_image"], memory["uj_per_image"]
    return {"node_nm": NODE_NM} | record

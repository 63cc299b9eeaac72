"""`python -m gen.netlist.write SOURCE... TARGET`: RTLIL files that are one design, as plain Verilog-2005.

What is written needs no leniency of a tool: it is the same in Verilog and in SystemVerilog, every operand is as wide as
its operation, and every signal is read. Runs in a process of its own: Yosys ends the process it runs in when it meets
an error.
"""

import sys
from pathlib import Path

from pyosys import libyosys as ys

from gen.netlist import ALL_NAMES
from gen.netlist.names import simplify_ports
from gen.netlist.text import polished
from gen.netlist.unused import name_unused, narrow, trim_ports
from gen.netlist.widths import level

__all__ = ["plain_verilog", "written"]

#: From processes, of which SystemVerilog may never run the combinational ones, to registers and expressions. Registers
#: stay apart even if they are equal: copies are there for their fan-out.
_EXPRESSIONS = (
    "proc -norom", "opt_expr -mux_bool", "opt_clean", "opt_dff -simple-dffe", "pmuxtree", "memory_collect", "opt_expr",
    "opt_merge t:$* t:$*dff* %d", "opt_clean",
)

#: What is left of them when fewer bits are read.
_SMALLER = "wreduce", "opt_clean -purge"

_ATTRIBUTES = "src", "generator", "top", "amaranth.hierarchy", "amaranth.decoding"


def plain_verilog(design: ys.Design, target: Path, all_names: bool) -> None:
    """Write ``design`` to ``target``; with ``all_names`` with every name, though that leaves signals nobody reads."""
    _run(design, *_EXPRESSIONS)
    if not all_names:
        _run(design, *_SMALLER)
        while trim_ports(design) | max(map(narrow, _modules(design))):
            _run(design, *_SMALLER)
    for module in _modules(design):
        level(module)
        if not all_names:
            name_unused(module)
    removed = " ".join(f"-remove {name}" for name in _ATTRIBUTES)
    _run(design, f"attrmap {removed}", f"attrmap -modattr {removed}", "clean_zerowidth")
    if not all_names:
        simplify_ports(design)
        _run(design, "rename -hide w:$*", "rename -unescape w:* i:* %d o:* %d")
    _run(design, f"write_verilog {'-norename ' if all_names else ''}{target}")
    target.write_text(polished(target.read_text()))


def _run(design: ys.Design, *passes: str) -> None:
    for command in passes:
        design.run_pass(f"tee -q {command}")


def _modules(design: ys.Design) -> list[ys.Module]:
    return [design.module(name) for name in list(design.modules_)]


def written(argv: list[str]) -> None:
    """Read the sources that ``argv`` names into one design and write it to the last."""
    design = ys.Design()
    *sources, target = (name for name in argv if name != ALL_NAMES)
    _run(design, *(f"read_rtlil {source}" for source in sources))
    plain_verilog(design, Path(target), ALL_NAMES in argv)


if __name__ == "__main__":
    written(sys.argv[1:])

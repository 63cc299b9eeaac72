"""`python -m gen.netlist.write SOURCE... TARGET`: RTLIL files that are one design, as plain Verilog-2005.

What is written needs no leniency of a tool: it is the same in Verilog and in SystemVerilog, every operand is as wide as
its operation, and every signal is read. Runs in a process of its own: Yosys ends the process it runs in when it meets
an error.
"""

import gc
import sys
from pathlib import Path

from pyosys import libyosys as ys

from gen.netlist import ALL_NAMES
from gen.netlist.cut import name_unused
from gen.netlist.names import simplify_ports
from gen.netlist.narrow import narrow
from gen.netlist.ports import trim_ports
from gen.netlist.reads import Netlist
from gen.netlist.text import polished
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
        _shrink(design)
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


def _shrink(design: ys.Design) -> None:
    """Leave out what nobody reads, until nothing is found. Only modules that have changed are looked at again."""
    settling = _reduce(design, {module.name.str() for module in _modules(design)})
    netlist = Netlist(design)
    work = set(netlist.modules)
    while work:
        trimmed = trim_ports(netlist)
        narrowed = {name for name in work | trimmed if narrow(netlist.modules[name], netlist.links(name))}
        found = trimmed | narrowed
        work = found | settling if found else set()
        settling = _reduce(design, work)
        for name in narrowed | settling:  # Of those that were trimmed it is known.
            netlist.changed(name)


def _reduce(design: ys.Design, names: set[str]) -> set[str]:
    """Take what is left of some modules, and return the names of those in which that changed something: Yosys may find
    more there the next time.
    """
    before = {name: _text_of(design, name) for name in sorted(names)}
    if before:
        _run(design, *(f"{command} {' '.join(before)}" for command in _SMALLER))
    return {name for name, text in before.items() if _text_of(design, name) != text}


def _text_of(design: ys.Design, name: str) -> str:
    return design.module(ys.IdString(name)).to_rtlil_str()


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
    gc.disable()  # There are many objects and hardly a cycle of them, and the process is soon over.
    written(sys.argv[1:])

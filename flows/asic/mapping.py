"""The accelerator mapped to standard cells by Yosys, module by module, with its memories left out."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flows.asic.library import Library
from flows.tools import yosys
from flows.tools.process import run_tool
from gen.verilog import TOP
from rtl.base.ram import RAM_MODULE, RAM_VERILOG
from rtl.lane.lane import MAPPED_MODULES
from rtl.lane.selector import SELECT_VERILOG

__all__ = ["DELAYS", "GATES", "NETLIST", "Delay", "commands", "map_design", "slowest"]

#: What :func:`map_design` writes: the flattened netlist of cells; the same gates as Verilog, with behavioural memories;
#: and what abc says of the delay of each module.
NETLIST, GATES, DELAYS = "netlist.json", "gates.v", "delays.json"

#: What drives an input of a module, and what an output drives (fF), for abc; without it nothing is buffered.
_CONSTRAINTS = "set_driving_cell {}\nset_load 5\n"

_RAM_PORTS = RAM_VERILOG[RAM_VERILOG.index(f"module {RAM_MODULE}"):].partition(");")[0] + ");\nendmodule\n"

#: abc's log: modules are announced ahead, in the order in which their results come.
_MODULE = re.compile(r"Extracting gate netlist of module `\\?(\S+)'")
_BEGIN = re.compile(r"Extracted \d+ gates")
_DELAY = re.compile(r"Delay\s*=\s*([\d.]+) ps")


@dataclass(frozen=True)
class Delay:
    """The longest path within one module, by abc's own timing: no wires, and no registers' setup or clock-to-output."""

    module: str
    picoseconds: float


def commands(liberty: Path, library: Library, clock_ns: float) -> tuple[str, ...]:
    """Yosys commands from the files of :func:`map_design` to what it writes.

    Modules stay what they are, so that area and energy have an owner; nets are named by number, the same in both
    netlists. The accelerator needs no power-up values, so registers have none.
    """
    file = f'"{liberty}"'
    (high, high_pin), (low, low_pin) = library.constant(1), library.constant(0)
    return (
        "read_verilog -lib ram.v",
        "read_verilog design.v",
        f"hierarchy -check -top {TOP}",
        "techmap -map select.v",  # dissolved into the arrays
        # So are other small parts into what is around them.
        "proc",
        "setattr -mod -set keep_hierarchy 1 *",
        f"setattr -mod -unset keep_hierarchy {' '.join(MAPPED_MODULES)}",
        "flatten -noscopeinfo",
        "setattr -mod -unset keep_hierarchy *",
        f"synth -top {TOP} -run begin:fine",
        "setattr -unset init w:*",
        f"synth -top {TOP} -run fine:check",
        f"dfflibmap -liberty {file}",
        f"abc -liberty {file} -D {round(1000 * clock_ns)} -constr constraints",
        "opt_clean -purge",
        "setundef -zero",
        f"hilomap -hicell {high} {high_pin} -locell {low} {low_pin}",
        "splitnets",
        "opt_clean -purge",
        "rename -hide w:*",
        "rename -enumerate -pattern n% w:*",
        "design -save mapped",
        "rename -enumerate -pattern c% c:*",
        "flatten -noscopeinfo",
        f"write_json {NETLIST}",
        "design -load mapped",
        f"setattr -mod -set keep_hierarchy 1 {TOP}* =*{RAM_MODULE}",
        f"read_liberty -ignore_miss_func -setattr gate {file}",
        "flatten -noscopeinfo",
        "opt_clean",
        f"delete =A:gate =*{RAM_MODULE}",
        f"write_verilog -noattr {GATES}",
    )


def map_design(
    verilog: str, liberty: Path, library: Library, clock_ns: float, folder: Path, on_line: Callable[[str], None]
) -> None:
    """Write :data:`NETLIST`, :data:`GATES` and :data:`DELAYS` of the accelerator ``verilog`` to ``folder``.

    Raises
    ------
    ToolFailed
        If Yosys fails.
    """
    constraints = _CONSTRAINTS.format(library.buffer)
    design = verilog[: verilog.index(f"module {RAM_MODULE}")]
    texts = {"design.v": design, "ram.v": _RAM_PORTS, "select.v": SELECT_VERILOG, "constraints": constraints}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    delays: dict[str, float] = {}
    announced: list[str] = []
    begun: list[str] = []

    def read(line: str) -> None:
        if found := _MODULE.search(line):
            announced.append(found[1])
        elif _BEGIN.match(line) and announced:
            begun.append(announced.pop(0))
        elif (found := _DELAY.search(line)) and begun:
            delays[begun[-1]] = float(found[1])
        on_line(line)

    run_tool(yosys.command(commands(liberty, library, clock_ns)), folder, "yosys.log", read)
    with open(folder / GATES, "a", encoding="utf-8") as file:
        file.write(f"\n{RAM_VERILOG}")
    (folder / DELAYS).write_text(json.dumps(delays, indent=2) + "\n", encoding="utf-8")


def slowest(folder: Path) -> Delay:
    """The module with the longest path, of what :func:`map_design` wrote."""
    delays = json.loads((folder / DELAYS).read_text())
    return Delay(*max(delays.items(), key=lambda item: item[1])) if delays else Delay("", 0.0)

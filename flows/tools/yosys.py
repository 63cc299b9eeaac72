"""Synthesis by Yosys, from pip, in a process of its own."""

import importlib.metadata
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from flows.tools.process import run_tool
from flows.tools.targets import Target
from gen.verilog import HIDE_NAMES
from spec.refusal import Refused

__all__ = ["NETLIST", "TECHMAP", "command", "pass_of", "preparation", "step_of", "synthesize", "version"]

#: The file that :func:`synthesize` writes.
NETLIST = "netlist.json"

#: The file that modules of a target's own are read from.
TECHMAP = "techmap.v"

#: Yosys ends the process it runs in when it meets an error, so it is not run in ours.
_RUN = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    design.run_pass(command)
"""

_PASS = re.compile(r"(\d+)\. Executing (.+?) (?:pass|frontend|backend)")
_STEP = re.compile(r"\d+\.(\d+)\. Executing (\w+) pass")


def version() -> str:
    """Version of Yosys.

    Raises
    ------
    Refused
        If it is not installed.
    """
    try:
        return importlib.metadata.version("pyosys")
    except importlib.metadata.PackageNotFoundError:
        raise Refused("Synthesis needs Yosys, which is not installed: pip install pyosys") from None


def command(passes: Sequence[str]) -> list[str]:
    """The process that runs these passes of Yosys, one after another."""
    return [sys.executable, "-c", _RUN, *passes]


def pass_of(line: str) -> tuple[int, str] | None:
    """Number and name of the pass, of those given to :func:`command`, that ``line`` of the log begins, if it does."""
    found = _PASS.match(line)
    return (int(found[1]), found[2].lower()) if found else None


def step_of(line: str) -> tuple[int, str] | None:
    """Number and name of the step of the synthesis command that ``line`` of the log begins, if it begins one."""
    found = _STEP.match(line)
    return (int(found[1]), found[2].lower()) if found else None


def preparation(target: Target) -> tuple[str, ...]:
    """Commands between reading a design and its synthesis for ``target``; the last reads :data:`TECHMAP`, if any."""
    return (HIDE_NAMES, *((f"techmap -autoproc -map {TECHMAP}",) if target.techmap else ()))


def synthesize(
    target: Target, verilog: str, folder: Path, on_step: Callable[[int, str], None], *, seconds: float | None = None
) -> None:
    """Write :data:`NETLIST` of the design, flattened and mapped for ``target``, and ``yosys.log``, to ``folder``.

    Raises
    ------
    ToolFailed
        If Yosys fails; ToolLate if it does not end in ``seconds``.
    """
    (folder / "foldenite.v").write_text(verilog, encoding="utf-8")
    if target.techmap:
        (folder / TECHMAP).write_text(target.techmap, encoding="utf-8")

    def on_line(line: str) -> None:
        if step := step_of(line):
            on_step(*step)

    passes = ("read_verilog foldenite.v", *preparation(target), target.synthesis, f"write_json {NETLIST}")
    run_tool(command(passes), folder, "yosys.log", on_line, seconds=seconds)

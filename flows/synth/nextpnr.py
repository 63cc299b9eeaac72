"""Place and route by nextpnr, native if it is on the PATH, else from pip; and its report."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.tools.process import run_tool
from flows.tools.targets import Router
from spec.refusal import Refused

__all__ = [
    "REPORT", "PathPoint", "Routed", "expected_mhz", "find", "parse_report", "phase_of", "place", "route", "version",
]

#: The file that :func:`route` writes, and the log of both.
REPORT, _LOG = "report.json", "nextpnr.log"

_EXPECTED = re.compile(r"Info: Max frequency for clock\s+'[^']*': ([\d.]+) MHz", re.ASCII)

_PHASES = (
    (re.compile(r"Info: Packing (\w+)"), "packing {}"),
    (re.compile(r"Info:\s+at iteration #(\d+), type \w+: .* legal = (\d+)"), "placing, iteration {}, wires {}"),
    (re.compile(r"Info:\s+at iteration #(\d+): temp = .* wirelen = (\d+)"), "refining, iteration {}, wires {}"),
    (re.compile(r"Info:\s+\d+ \|\s+\d+\s+\d+ \|\s+\d+\s+\d+ \|\s+(\d+)\|"), "routing, {} arcs left"),
    (re.compile(r"Info: Routing(?: complete)?\b.*"), "routing"),
)


@dataclass(frozen=True)
class PathPoint:
    """One leg of the critical path: ``kind`` (logic, routing, ...), nanoseconds, and the cell it ends at."""

    kind: str
    delay_ns: float
    cell: str


@dataclass(frozen=True)
class Routed:
    """What nextpnr found: the clock's name and frequency, what is used of the part, and the slowest path."""

    clock: str
    fmax_mhz: float
    utilization: dict[str, dict[str, int]]
    critical_path: tuple[PathPoint, ...]


def find(router: Router) -> str:
    """Path of the program.

    Raises
    ------
    Refused
        If it is not installed, saying how to install it.
    """
    for name in router.programs:
        if path := shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent)):
            return path
    raise Refused(
        f"Option --route needs {router.programs[0]}, which is not on the PATH; install it with: {router.pip}"
    )


def version(program: str) -> str:
    """What ``program --version`` calls its version."""
    result = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"Version ([^)\s]+)", result.stdout + result.stderr)
    return found[1] if found else "unknown"


def phase_of(line: str) -> str | None:
    """What a ``line`` of the log says nextpnr is doing, if it says that."""
    for pattern, text in _PHASES:
        if found := pattern.match(line):
            return text.format(*found.groups())
    return None


def route(
    program: str, router: Router, netlist: Path, folder: Path, *, seed: int, mhz: float,
    on_phase: Callable[[str], None],
) -> None:
    """Place and route ``netlist`` for a clock of ``mhz``; write :data:`REPORT`, ``nextpnr.log`` and the configuration
    to ``folder``. A clock that is not reached is no error.

    Raises
    ------
    ToolFailed
        If nextpnr fails.
    """
    options = ("--report", REPORT, "--seed", str(seed), "--freq", f"{mhz:g}", *router.options)
    _run(program, options, netlist, folder, on_phase)


def place(
    program: str, router: Router, netlist: Path, folder: Path, *, seed: int, mhz: float,
    on_phase: Callable[[str], None],
) -> None:
    """Place ``netlist`` as :func:`route` does, and route nothing; ``nextpnr.log`` in ``folder`` has what is expected.

    Raises
    ------
    ToolFailed
        If nextpnr fails.
    """
    _run(program, ("--no-route", "--seed", str(seed), "--freq", f"{mhz:g}", *router.options), netlist, folder, on_phase)


def expected_mhz(folder: Path) -> float:
    """The clock that nextpnr expects of what it placed in ``folder``; of several clocks the slowest.

    Raises
    ------
    ValueError
        If its log names no clock.
    """
    found = _EXPECTED.findall((folder / _LOG).read_text())
    if not found:
        raise ValueError("nextpnr's log has no clock")
    return min(map(float, found))


def _run(
    program: str, options: Sequence[str], netlist: Path, folder: Path, on_phase: Callable[[str], None]
) -> None:
    def on_line(line: str) -> None:
        if phase := phase_of(line):
            on_phase(phase)

    shutil.copyfile(netlist, folder / netlist.name)  # programs from pip see their own folder only
    try:
        run_tool([program, "--json", netlist.name, *options, "--timing-allow-fail"], folder, _LOG, on_line)
    finally:
        (folder / netlist.name).unlink(missing_ok=True)


def parse_report(report: dict) -> Routed:
    """What a report of nextpnr says; of several clocks the slowest.

    Raises
    ------
    ValueError
        If it holds no clock.
    """
    clocks = report.get("fmax", {})
    if not clocks:
        raise ValueError("nextpnr's report has no clock")
    clock = min(clocks, key=lambda name: clocks[name]["achieved"])
    paths = [
        path for path in report.get("critical_paths", ())
        if path["from"].endswith(clock) and path["to"].endswith(clock)
    ]
    legs = paths[0]["path"] if paths else ()
    return Routed(
        clock=clock,
        fmax_mhz=clocks[clock]["achieved"],
        utilization={
            name: {"used": count["used"], "of": count["available"]}
            for name, count in report.get("utilization", {}).items() if count["used"]
        },
        critical_path=tuple(PathPoint(leg["type"], leg["delay"], leg["to"]["cell"]) for leg in legs),
    )

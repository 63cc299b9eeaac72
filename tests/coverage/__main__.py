"""`python -m tests.coverage`: what of the Python, the Verilog and the features is met by tests and simulations.

Branches of the Python of spec, gen and rtl, by their own tests; lines and toggles of every module of the Verilog, in
simulations of a few small builds; whatever a layer can be at once, in networks whose values and cycles are right.
Points that need not be met are in ``waivers.toml``, with reasons. Exit 1 if a goal is missed, or a waiver speaks of
nothing that is open. What was measured is kept, so that ``--only`` measures a part again.
"""

import json
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, add_json, add_out
from console.record import json_text, write_json
from console.screen import screen
from sim.verilator import SimulationFailed
from spec.files import build_root, output_folder, write_text
from spec.refusal import Refused, run_command
from tests.coverage import branches, simulations
from tests.coverage.page import page
from tests.coverage.rows import GOALS, Judged, Row, Waiver, judge, load, shown

__all__ = ["PARTS", "WAIVERS", "main", "parser", "record_of"]

ROOT = Path(__file__).resolve().parents[2]
WAIVERS = Path(__file__).with_name("waivers.toml")

#: What can be measured apart, and the kinds of points that are in it.
PARTS: Mapping[str, tuple[str, ...]] = {"python": ("branch",), "simulations": ("line", "toggle", "bins")}

#: What the kinds are called.
_TITLES = {
    "branch": "Branches of the Python, by room", "line": "Lines of the Verilog, by module",
    "toggle": "Toggles of the Verilog, by module", "bins": "Features",
}


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m tests.coverage", description=__doc__.splitlines()[0])
    made.add_argument(
        "--only", metavar="PART", action="append", default=[], choices=list(PARTS),
        help=f"measure this part again, {' or '.join(PARTS)} (default: all)",
    )
    made.add_argument("--kept", action="store_true", help="measure nothing: judge what was measured before")
    add_out(made, "folder to write (default build/coverage)", build_root() / "coverage")
    add_json(made)
    return made


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _measure(part: str, out: Path) -> dict[str, dict[str, Row]]:
    if part == "python":
        return {"branch": branches.measure(ROOT, out / part, [f"tests/{room}" for room in branches.ROOMS])}
    console = screen(stderr=True)
    return simulations.measure(out / part, lambda said: console.print(said, highlight=False))


def _kept(path: Path) -> tuple[dict[str, dict[str, Row]], float]:
    """Rows that were measured before, and the processor seconds that took."""
    try:
        data = json.loads(path.read_text())
        tables = {
            kind: {name: Row(row["points"], tuple(row["open"])) for name, row in rows.items()}
            for kind, rows in data["kinds"].items()
        }
        return tables, data["cpu_seconds"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"Nothing measured is kept in {path} ({error!r}); leave out --kept and --only") from None


def _keep(path: Path, tables: Mapping[str, Mapping[str, Row]], cpu_seconds: float) -> None:
    kinds = {
        kind: {name: {"points": row.points, "open": row.open} for name, row in rows.items()}
        for kind, rows in tables.items()
    }
    write_json(path, {"cpu_seconds": cpu_seconds, "kinds": kinds})


def record_of(
    tables: Mapping[str, Mapping[str, Row]], waivers: Sequence[Waiver], cpu_seconds: Mapping[str, float]
) -> dict:
    """What is written as ``coverage.json``: rows of every kind, missed goals, waivers that speak of nothing."""
    judged, idle = judge(tables, waivers)
    rows = shown(judged)
    missed = [
        f"{_TITLES[kind]}: {name} has {row.percent:.1f} %, not {GOALS[kind]}"
        for kind, of_kind in rows.items() for name, row in of_kind.items() if row.percent < GOALS[kind]
    ]
    return {
        "cpu_seconds": {part: round(seconds) for part, seconds in cpu_seconds.items()},
        "goals_percent": GOALS,
        "kinds": {kind: {name: _figures(row) for name, row in of_kind.items()} for kind, of_kind in rows.items()},
        "files": {name: _figures(row) for name, row in judged.get("branch", {}).items()},
        "impossible": simulations.impossible() if "bins" in tables else {},
        "missed": missed,
        "idle_waivers": [f"{each.kind} {each.where}: {each.what}" for each in idle],
    }


def _figures(row: Judged) -> dict:
    return {
        "points": row.points, "hit": row.hit, "waived": row.waived, "open": len(row.open),
        "percent": round(row.percent, 2), "measured_percent": round(row.measured_percent, 2),
    }


def _tables(record: Mapping) -> list[Table]:
    tables = []
    for kind, rows in record["kinds"].items():
        table = Table(title=f"{_TITLES[kind]} (goal {record['goals_percent'][kind]} %)")
        for column in ("", "points", "met", "waived", "open", "met of all, %", "but for waived, %"):
            table.add_column(column, justify="right" if column else "left")
        for name, row in rows.items():
            counts = (f"{row[key]:,}" for key in ("points", "hit", "waived", "open"))
            table.add_row(name, *counts, f"{row['measured_percent']:.1f}", f"{row['percent']:.1f}")
        tables.append(table)
    return tables


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit 1 if a goal is missed, a waiver is idle, or a simulation fails."""
    arguments = parser().parse_args(argv)
    out = output_folder(arguments.out)
    waivers, tables, spent = load(WAIVERS), {}, {}
    for part in PARTS:
        path = out / f"{part}.json"
        if not arguments.kept and (not arguments.only or part in arguments.only):
            before = _cpu_seconds()
            try:
                measured = _measure(part, out)
            except SimulationFailed as failure:
                print(f"Simulation failed: {failure}")
                return 1
            _keep(path, measured, _cpu_seconds() - before)
        elif not path.is_file() and arguments.only:
            continue  # this part was never measured, and is not wanted
        kinds, spent[part] = _kept(path)
        tables |= kinds
    record = record_of(tables, waivers, spent)
    judged, _ = judge(tables, waivers)
    open_points = {kind: {name: row.open for name, row in rows.items() if row.open} for kind, rows in judged.items()}
    written = write_json(out / "coverage.json", record)
    text = page(record, open_points, waivers, _TITLES)
    if arguments.json:
        print(json_text(record), end="")
    else:
        for table in _tables(record):
            screen().print(table)
        for sentence in (*record["missed"], *(f"Waiver of nothing: {each}" for each in record["idle_waivers"])):
            print(sentence)
        print(f"CPU seconds: {record['cpu_seconds']}")
        print(written)
        print(write_text(out / "coverage.html", text))
    return int(bool(record["missed"] or record["idle_waivers"]))


if __name__ == "__main__":
    run_command(main)

"""Which branches of the Python of some rooms their tests take: coverage.py's figures as rows."""

import json
import linecache
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from spec.refusal import Refused
from tests.coverage.rows import Row

__all__ = ["ROOMS", "measure", "rows_of"]

#: Rooms that are measured, each by the tests of all of them. ``pyproject.toml`` names them to coverage.py.
ROOMS = ("spec", "gen", "rtl")


def _said(root: Path, file: str, line: int) -> str:
    """The statement at ``line`` of ``file`` as people would quote it; where there is none, it ends."""
    return "the end" if line < 0 else f"{line} {linecache.getline(str(root / file), line).strip()}"


def rows_of(report: Mapping, root: Path) -> dict[str, Row]:
    """A row for each file with branches in ``report``: the JSON of ``coverage json`` on files below ``root``."""
    try:
        return {
            file: Row(found["summary"]["num_branches"], tuple(
                f"{_said(root, file, start)} -> {_said(root, file, end)}" for start, end in found["missing_branches"]
            ))
            for file, found in sorted(report["files"].items()) if found["summary"]["num_branches"]
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"The report of coverage.py has no branches ({error!r}); run it with branch = true, as in pyproject.toml"
        ) from None


def measure(root: Path, out: Path, tests: Iterable[str], arguments: Sequence[str] = ()) -> dict[str, Row]:
    """Run ``tests`` of the tree at ``root`` under coverage.py and return a row for each file of :data:`ROOMS`.

    Data and what pytest says go to the folder ``out``.

    Raises
    ------
    Refused
        If a test fails: coverage of tests that fail says nothing.
    """
    out.mkdir(parents=True, exist_ok=True)
    for leftover in out.glob("python.data*"):
        leftover.unlink()
    environment = os.environ | {"COVERAGE_FILE": str(out / "python.data"), "PYTHONPATH": str(root)}

    def run(*words: str) -> None:
        command = [sys.executable, "-m", "coverage", *words]
        done = subprocess.run(
            command, cwd=root, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            log.flush()
            said = Path(log.name).read_text().split("\n")
            why = next((line for line in reversed(said) if re.search("fail|error", line, re.IGNORECASE)), said[-1])
            raise Refused(f"Coverage {words[0]} of the Python ended with {done.returncode} ({why}); see {log.name}")

    with open(out / "python.log", "w") as log:
        run("run", "--parallel-mode", "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, *tests)
        run("combine", "--quiet")
        run("json", "--quiet", "-o", str(out / "python.json"))
    return rows_of(json.loads((out / "python.json").read_text()), root)

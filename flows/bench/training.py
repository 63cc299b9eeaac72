"""`python -m flows.bench train`: a hidden-fold training step as a multiple of the dense one, in time and memory.

Measured by ``python -m train.step_cost``; the goal is judged here.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from spec.files import write_text
from spec.refusal import Refused

__all__ = ["GOAL", "add_options", "judged", "run"]

#: Most that a step may cost, in dense steps.
GOAL = 1.15

#: Reference points, not ours to judge: the dense step itself, and sorting at every use as the papers' code does.
_REFERENCES = ("dense", "sort")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--batch", type=int, default=64, help="images per step (default 64)")
    parser.add_argument("--rounds", type=int, default=5, help="steps of every variant (default 5)")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="folder to write (default build/bench)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON instead of tables")


def judged(measured: dict) -> dict:
    """``measured`` by ``train.step_cost`` with, for every variant of ours, whether it ``meets_goal`` (else None)."""
    results = [
        result | {"variants": [
            row | {"meets_goal": None if row["variant"] in _REFERENCES else row["over_dense"] <= GOAL}
            for row in result["variants"]
        ]}
        for result in measured["results"]
    ]
    return measured | {"goal_over_dense": GOAL, "results": results}


def _tables(data: dict) -> list[Table]:
    tables = []
    for result in data["results"]:
        title = f"{result['subject']}, batch {result['batch']}, {result['weights']:,} weights"
        table = Table("step", title=title, caption="CPU time and memory of one step, alone and as multiples of dense")
        for column in ("CPU ms", "/ dense", f"<= {GOAL}", "memory, MB", "/ dense"):
            table.add_column(column, justify="right")
        for row in result["variants"]:
            verdict = {None: "-", True: "yes", False: "no"}[row["meets_goal"]]
            table.add_row(
                row["variant"], f"{1e3 * row['cpu_seconds']:.1f}", f"{row['over_dense']:.3f}", verdict,
                f"{row['memory_bytes'] / 1e6:.1f}", f"{row['memory_over_dense']:.3f}",
            )
        tables.append(table)
    return tables


def _measure(options: Sequence[str], out: Path) -> dict:
    """Result of ``python -m train.step_cost``, in a process of its own because flows do not import train."""
    path = out / "step_cost.json"
    command = [sys.executable, "-m", "train.step_cost", *options, "--out", str(path)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # Progress goes to stderr.
    if result.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{result.stdout}")
    return json.loads(path.read_text())


def run(arguments: argparse.Namespace) -> int:
    """Measure; 1 if the paper's masks (mode ``any``) miss the goal on a network."""
    for name in ("batch", "rounds"):
        if getattr(arguments, name) < 1:
            raise Refused(f"Option --{name} must be at least 1, not {getattr(arguments, name)}")
    options = ["--batch", str(arguments.batch), "--rounds", str(arguments.rounds)]
    data = judged(_measure(options, arguments.out))
    text = json.dumps(data, indent=2) + "\n"
    written = write_text(arguments.out / "training.json", text)
    if arguments.json:
        print(text, end="")
    else:
        for table in _tables(data):
            Console().print(table)
        print(written)
    rows = [row for result in data["results"] for row in result["variants"]]
    return int(any(row["meets_goal"] is False for row in rows if row["variant"] == "any"))

"""A hidden-fold training step as a multiple of the dense one, in time and memory.

`python -m flows.bench training`. ``python -m train.studies.step_cost`` measures, the goal is judged here.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from console.command import Whole

__all__ = ["GOAL", "ROOMS", "add_options", "check", "failed", "inputs", "judged", "measure", "tables"]

ROOMS = ("spec", "train", "flows/bench/training.py")

#: Most that a step may cost, in dense steps.
GOAL = 1.15

#: Reference points, not ours to judge: the dense step itself, and sorting at every use as the papers' code does.
_REFERENCES = ("dense", "sort")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--batch", type=Whole(1, 65536), default=64, help="images per step (default 64)")
    parser.add_argument("--rounds", type=Whole(1, 10_000), default=5, help="steps of every variant (default 5)")


def check(arguments: argparse.Namespace) -> None:
    """Refuse nothing more: ranges are all there is."""


def judged(measured: dict) -> dict:
    """``measured`` by ``train.studies.step_cost`` with, for each variant of ours, whether it ``meets_goal``."""
    results = [
        result | {"variants": [
            row | {"meets_goal": None if row["variant"] in _REFERENCES else row["over_dense"] <= GOAL}
            for row in result["variants"]
        ]}
        for result in measured["results"]
    ]
    return measured | {"goal_over_dense": GOAL, "results": results}


def tables(data: dict) -> list[Table]:
    """For people."""
    made = []
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
        made.append(table)
    return made


def _measure(options: Sequence[str], out: Path) -> dict:
    """Result of ``python -m train.studies.step_cost``, in a process of its own because flows do not import train."""
    path = out / "step_cost.json"
    command = [sys.executable, "-m", "train.studies.step_cost", *options, "--out", str(path)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # Progress goes to stderr.
    if result.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{result.stdout}")
    return json.loads(path.read_text())


def inputs(arguments: argparse.Namespace) -> dict:
    """What the result depends on, beside code and tools."""
    return {"batch": arguments.batch, "rounds": arguments.rounds}


def measure(arguments: argparse.Namespace) -> dict:
    """Cost of the steps, judged."""
    options = ["--batch", str(arguments.batch), "--rounds", str(arguments.rounds)]
    return judged(_measure(options, arguments.out))


def failed(data: dict) -> bool:
    """Whether the paper's masks (mode ``any``) miss the goal on a network."""
    rows = [row for result in data["results"] for row in result["variants"]]
    return any(row["meets_goal"] is False for row in rows if row["variant"] == "any")

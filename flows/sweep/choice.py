"""The build of a sweep that is chosen: the options that make it, and its simulation."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flows.sweep.points import Point
from spec.config import MEMORY_LIMITS, AcceleratorConfig

__all__ = ["Unverified", "chosen", "options_of", "verify"]

_FIELDS = ("groups", "rows", "lanes", "weight_rows", "rows_per_requantizer", "psum_depth", *MEMORY_LIMITS)


class Unverified(Exception):
    """The simulation failed, or took other cycles than the sweep says; the message says which."""


def chosen(best: Sequence[Point], images_per_s: float) -> Point | None:
    """Of ``best``, cheapest first: the cheapest if a rate was asked for, because all reach it; else the fastest."""
    if not best:
        return None
    return best[0] if images_per_s else best[-1]


def options_of(config: AcceleratorConfig) -> list[str]:
    """Options of ``gen.build``, ``sim.run`` and ``flows.synth`` that make this build."""
    fields = [word for name in _FIELDS for word in (f"--{name.replace('_', '-')}", str(getattr(config, name)))]
    return ["--pe", str(config.pe), *fields]


def verify(path: Path, point: Point, out: Path) -> str:
    """Simulate ``point`` with the model in ``path`` and say what was compared; flows and sim do not import each other.

    Raises
    ------
    Unverified
        If a value or a cycle is wrong.
    """
    report = out / "verified" / "report.json"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "sim.run", str(path), *options_of(point.config)]
    command += ["--images", str(point.config.lanes), "--out", str(report.parent)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # Progress goes to stderr.
    if result.returncode or not report.is_file():
        raise Unverified(f"{' '.join(command[1:])} failed:\n{result.stdout}")
    found = json.loads(report.read_text())
    if found["cycles_per_image_measured"] != point.cycles:
        raise Unverified(f"{found['cycles_per_image_measured']:,} cycles measured, {point.cycles:,} in the sweep")
    return (
        f"The chosen build ({point.config.pe} PEs) was simulated: {found['values_compared']:,} stored values and "
        f"{point.cycles:,.0f} cycles per image are as predicted."
    )

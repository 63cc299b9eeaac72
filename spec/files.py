"""Files that are either whole or absent: write to a temporary name, flush to disk, rename."""

import os
from pathlib import Path

__all__ = ["write_bytes", "write_text"]


def write_bytes(path: Path, content: bytes) -> Path:
    """Write ``content`` to ``path`` atomically, creating its folder, and return ``path``.

    A process killed at any moment leaves the old file or the new one, never a part of one.
    """
    path = Path(path)
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

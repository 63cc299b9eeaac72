"""How large files of a zoo may be."""

from collections.abc import Mapping
from pathlib import Path

from spec.refusal import Refused

__all__ = ["FILE_LIMIT", "check_sizes"]

#: What a file must be below, in bytes: what a repository takes.
FILE_LIMIT = 16 << 20


def check_sizes(model: str, sizes: Mapping[Path, int]) -> None:
    """Check the ``sizes`` (bytes) that files of ``model`` have or will have.

    Raises
    ------
    Refused
        If one is not below :data:`FILE_LIMIT`.
    """
    for path, size in sizes.items():
        if size >= FILE_LIMIT:
            raise Refused(
                f"File {path.name} of model {model} takes {size / (1 << 20):.1f} MiB, but files of a zoo must be below "
                f"{FILE_LIMIT >> 20} MiB, so nothing of it is kept; list a narrower network, or fewer --vectors"
            )

"""One process at a time writes to a folder: the system takes the lock back when its process ends, however it ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spec.refusal import Refused

__all__ = ["only_writer"]


@contextmanager
def only_writer(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Be the only process that writes to ``folder``, which is made, while the context lasts.

    The lock is the system's, on the file ``.lock`` there. The file stays; whether it is there means nothing.

    Parameters
    ----------
    wait : bool
        Until another process is done, instead of refusing.

    Raises
    ------
    Refused
        If another process is writing there; not with ``wait``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(
                f"Another process is writing to the folder {folder}; wait until it is done, or name another folder"
            ) from None
        yield

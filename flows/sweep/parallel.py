"""Where the points of a sweep are computed: processes here, or a Dask cluster; the same executor interface."""

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from spec.refusal import Refused

__all__ = ["executor"]


@contextmanager
def executor(scheduler: str | None, jobs: int) -> Iterator[Executor]:
    """An executor on the Dask cluster at address ``scheduler``, or on ``jobs`` processes of this machine.

    Raises
    ------
    Refused
        If Dask is not installed, or no scheduler answers at the address.
    """
    if scheduler is None:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            yield pool
        return
    try:
        from distributed import Client
    except ImportError:
        raise Refused("Option --scheduler needs Dask; run pip install 'foldenite[cluster]'") from None
    try:
        client = Client(scheduler, timeout="10s")
    except (OSError, ValueError) as error:
        raise Refused(f"No Dask scheduler answers at --scheduler {scheduler} ({error}); start one first") from None
    with client, client.get_executor() as pool:
        yield pool

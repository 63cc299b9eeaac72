"""Executors."""

import pytest

from flows.sweep.parallel import executor
from spec.refusal import Refused


def test_processes_and_errors_come_through():
    with executor(None, 1) as pool, pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 1, 0).result()


def test_an_address_where_nobody_answers_is_refused():
    with pytest.raises(Refused, match="No Dask scheduler answers at --scheduler nowhere"), executor("nowhere", 1):
        pass

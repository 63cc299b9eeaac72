"""The limits hold, and every fault is one: a fuzzer that sees nothing finds nothing."""

import os
import time

import numpy as np
import pytest

from spec.refusal import Refused
from tests.fuzz.worker import run


def spin():
    """Longer than allowed, in Python."""
    while True:
        pass


def wait():
    """Long, but without computing: a busy machine is no fault."""
    time.sleep(0.01)


def unprintable():
    """A refusal whose sentence cannot be shown."""
    refusal = Refused("x")
    refusal.args = ("\x1b" * 400,)
    raise refusal


def refuse():
    """As it should be."""
    raise Refused("It is wrong; mend it")


FAULTS = {
    "refused": refuse, "accepted": wait, "key": lambda: {}["x"], "recursion": lambda: spinning(0), "spin": spin,
    "memory": lambda: np.ones(3 << 30, np.uint8), "shown": unprintable, "system": lambda: os.stat("/nowhere/at/all"),
    "exit": os.abort,
}


def spinning(depth):
    """Never ends of itself."""
    return spinning(depth + 1)


@pytest.fixture(scope="module")
def tally(tmp_path_factory):
    return {
        name: run("it", lambda folder, fault=fault: lambda rng: fault, 1, range(1), tmp_path_factory.mktemp(name), 0.2)
        for name, fault in FAULTS.items()
    }


@pytest.mark.parametrize(("name", "outcome"), [
    ("refused", "refused"), ("accepted", "accepted"), ("key", "tracebacks"), ("recursion", "tracebacks"),
    ("spin", "over 5 s"), ("memory", "over 1 GB"), ("shown", "tracebacks"), ("system", "refused"),
    ("exit", "tracebacks"),
])
def test_outcomes(tally, name, outcome):
    assert dict(tally[name].counts) == {outcome: 1}
    assert bool(tally[name].faults) == (outcome not in ("refused", "accepted"))


def test_a_fault_is_found_among_others_and_again_by_its_number(tmp_path):
    def prepare(folder):
        return lambda rng: refuse if rng.random() < 0.8 else os.abort

    whole = run("it", prepare, 7, range(40), tmp_path)
    assert sum(whole.counts.values()) == 40
    (times, first), = whole.faults.values()
    assert whole.counts["tracebacks"] == times > 1
    again = run("it", prepare, 7, range(first, first + 1), tmp_path)
    assert dict(again.counts) == {"tracebacks": 1}
    assert run("it", prepare, 7, range(first), tmp_path).faults == {}


def test_an_input_that_cannot_be_made_is_our_fault(tmp_path):
    with pytest.raises(RuntimeError, match="input 3 of it could not be made"):
        run("it", lambda folder: lambda rng: {}["x"], 1, range(3, 9), tmp_path)

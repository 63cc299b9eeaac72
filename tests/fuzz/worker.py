"""Trials in a process of their own, each within limits of processor time and memory that the system enforces."""

import json
import os
import random
import resource
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spec.refusal import MESSAGE_LENGTH, Refused

__all__ = ["CPU_SECONDS", "MEMORY_BYTES", "OUTCOMES", "Make", "Tally", "run"]

CPU_SECONDS, MEMORY_BYTES = 5, 1 << 30

#: What can become of an input.
REFUSED, ACCEPTED, TRACEBACK, SLOW, LARGE = OUTCOMES = ("refused", "accepted", "tracebacks", "over 5 s", "over 1 GB")

#: Makes an input of random numbers and returns what tries it, which raises :class:`Refused` or not.
Make = Callable[[random.Random], Callable[[], object]]

_LEFT_OUT = 3  #: Frames of a traceback, from the last, that tell one fault from another.


@dataclass
class Tally:
    """Outcomes of a kind of input, and for every distinct fault how often it was, and the number of its first input."""

    counts: Counter = field(default_factory=Counter)
    faults: dict[str, tuple[int, int]] = field(default_factory=dict)
    slowest: float = 0.0

    def add(self, number: int, outcome: str, detail: str, seconds: float) -> None:
        """Count one."""
        self.counts[outcome] += 1
        self.slowest = max(self.slowest, seconds)
        if outcome not in (REFUSED, ACCEPTED):
            times, first = self.faults.get(detail, (0, number))
            self.faults[detail] = (times + 1, first)


def run(
    kind: str, prepare: Callable[[Path], Make], seed: int, numbers: range, folder: Path, seconds: float = CPU_SECONDS
) -> Tally:
    """Try the inputs ``numbers`` of ``kind`` in ``folder``: input ``n`` is a function of ``seed``, ``kind`` and ``n``.

    One may take so many ``seconds`` of processor time.

    They are tried in a forked process; where an input ends it, the next one goes on with the next input.
    """
    tally, rest = Tally(), numbers
    while rest:
        begun = None
        for message in _forked(_Work(kind, prepare, seed, folder, seconds), rest):
            if "outcome" in message:
                begun = None
                tally.add(**message)
            else:
                begun = message.get("number", begun)
                if "died" in message and begun is not None:
                    name = signal.Signals(message["died"]).name if message["died"] else "an exit"
                    tally.add(begun, SLOW if name == "SIGPROF" else TRACEBACK, f"the process died of {name}", 0.0)
                if "broken" in message:
                    raise RuntimeError(f"input {message['broken']} of {kind} could not be made:\n{message['why']}")
        done = sum(tally.counts.values())
        if numbers[done:] == rest:
            raise RuntimeError(f"input {rest[0]} of {kind} could not be tried")
        rest = numbers[done:]
    return tally


@dataclass(frozen=True)
class _Work:
    """What a child needs to know but the numbers."""

    kind: str
    prepare: Callable[[Path], Make]
    seed: int
    folder: Path
    seconds: float


def _forked(work: _Work, numbers: range) -> Iterator[dict]:
    """What a child says of ``numbers``, up to its end: ``{"number": n}`` before and ``{"outcome": ...}`` after each."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        _child(work, numbers, write)
    os.close(write)
    with os.fdopen(read) as said:
        yield from map(json.loads, said)
    _, status = os.waitpid(child, 0)
    yield {"died": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}


def _child(work: _Work, numbers: range, write: int) -> None:
    """Try ``numbers`` and end the process."""
    number = numbers[0]
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        warnings.simplefilter("ignore")
        make = work.prepare(work.folder)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        for number in numbers:
            attempt = make(random.Random(f"{work.seed} {work.kind} {number}"))
            _say(write, number=number)
            _say(write, number=number, **judged(attempt, work.seconds))
    except BaseException:
        _say(write, broken=number, why=traceback.format_exc()[-2000:])
    finally:
        os._exit(0)


def _say(write: int, **message: object) -> None:
    os.write(write, json.dumps(message).encode() + b"\n")


def judged(attempt: Callable[[], object], seconds: float) -> dict:
    """Outcome of ``attempt``, which the system ends where it takes more than ``seconds``."""
    begun = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    outcome, detail = ACCEPTED, ""
    try:
        attempt()
    except Refused as refusal:
        outcome, message = REFUSED, str(refusal)
        if len(message) > MESSAGE_LENGTH or not message.isprintable():
            outcome, detail = TRACEBACK, f"a sentence of {len(message)} characters that cannot be shown"
    except MemoryError as error:
        outcome, detail = LARGE, _place(error)
    except SystemExit as leaving:
        outcome = ACCEPTED if leaving.code in (0, None) else REFUSED
    except OSError as error:  # Of which a command makes a sentence.
        outcome, detail = (REFUSED, "") if error.strerror else (TRACEBACK, _place(error))
    except BaseException as error:
        outcome, detail = TRACEBACK, _place(error)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return {"outcome": outcome, "detail": detail, "seconds": time.process_time() - begun}


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-_LEFT_OUT:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} in {where}: {ascii(str(error))[:120]}"

"""Hardware against references: which stored value differs first, and where it is."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gen.compile import Frame
from gen.cycles import CycleModel
from spec.golden import Trace
from spec.steps import Step

__all__ = [
    "Mismatch", "command_counters", "expected_counters", "first_mismatch", "first_wrong_command", "value_count",
]


@dataclass(frozen=True)
class Mismatch:
    """The first value that differs from a reference.

    Parameters
    ----------
    reference : str
        What it was compared with.
    step : Step
        Layer and iteration that stored it; the classifier for logits.
    place : tuple of int
        (y, x, channel), or (class,) for logits.
    expected, got : int
    """

    reference: str
    step: Step
    place: tuple[int, ...]
    expected: int
    got: int

    def __str__(self) -> str:
        names = ("y", "x", "channel") if len(self.place) == 3 else ("class",)
        place = ", ".join(f"{name} {number}" for name, number in zip(names, self.place, strict=True))
        return (
            f"layer {self.step.layer.name} iteration {self.step.iteration} ({place}): "
            f"expected {self.expected} ({self.reference}), got {self.got}"
        )


def first_mismatch(
    reference: str, trace: Trace, image: int, frames: Sequence[Frame], tensors: Sequence[np.ndarray]
) -> Mismatch | None:
    """Compare ``tensors``, decoded from ``frames``, with image ``image`` of ``trace``.

    Returns
    -------
    Mismatch or None
        The first in order of execution: frames, then tiles of output channels, y, x, channel; None if all are equal.
    """
    stored = {(s.layer.name, s.iteration): s.values for s in trace.stored}
    for frame, got in zip(frames, tensors, strict=True):
        step = frame.step
        expected = stored.get((step.layer.name, step.iteration), trace.logits)[image]  # of the head
        if got.shape != expected.shape:
            raise ValueError(f"Layer {step.layer.name} gave shape {got.shape}, but {reference} {expected.shape}")
        if not np.array_equal(got, expected):
            places = np.argwhere(got != expected)
            tiles = places[:, -1] // frame.config.rows
            place = tuple(places[np.argmin(tiles)].tolist())  # the first of equals
            return Mismatch(reference, step, place, int(expected[place]), int(got[place]))
    return None


def value_count(tensors: Sequence[np.ndarray]) -> int:
    """Number of values in ``tensors``."""
    return sum(tensor.size for tensor in tensors)


def expected_counters(cycles: CycleModel) -> dict[str, int]:
    """The cycle model in the form of :meth:`sim.driver.Driver.counters`."""
    return {"TOTAL": cycles.total} | {cause.name: count for cause, count in cycles.causes.items()}


def command_counters(at_ends: Sequence[Mapping[str, int]], names: Sequence[str]) -> list[dict[str, int]]:
    """What each command added to the counters ``names``, which were ``at_ends`` at the ends of all commands."""
    known = [dict.fromkeys(names, 0), *at_ends]
    return [{name: now[name] - before[name] for name in names} for before, now in itertools.pairwise(known)]


def first_wrong_command(cycles: CycleModel, measured: Sequence[Mapping[str, int]]) -> str | None:
    """The first command whose counters are not those of the cycle model, as a sentence; None if all are."""
    if len(measured) != len(cycles.commands):
        return f"{len(measured)} commands were executed, but the program has {len(cycles.commands)} to execute"
    for command, counters in zip(cycles.commands, measured, strict=True):
        expected = {"TOTAL": command.cycles} | {cause.name: cycles for cause, cycles in command.causes.items()}
        for name in sorted(counters, key="TOTAL".__eq__):  # causes say more than their sum
            if counters[name] != expected[name]:
                return (
                    f"command {command.label} iteration {command.iteration} spent {counters[name]} cycles on "
                    f"{name}, but the cycle model says {expected[name]}"
                )
    return None

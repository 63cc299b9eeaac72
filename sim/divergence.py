"""From the first wrong value back to what made it wrong: `python -m sim.run --debug`.

The sum of a value is followed visit by visit, in the simulation and in the golden model. So it is known whether the sum
went wrong, and at which tap, n-block and pass; or, if it is right, what was done to it afterwards.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gen.compile import Program
from sim.compare import Mismatch
from sim.findings import of_values, of_visit, pattern
from sim.visits import Site, Visit, begins_plane, locate, partial_sums, visits
from spec import golden
from spec.layer import Role
from spec.lfsr import ROW_STRIDE, SIGNS

__all__ = ["Divergence", "Watched", "examine"]


@dataclass(frozen=True)
class Watched:
    """What the simulation showed when the image was run again.

    Parameters
    ----------
    stored : int or None
        Cycle after the start in which the value was stored.
    sums : tuple of int
        The accumulator after each visit.
    cycles : tuple of int
        Cycle of each.
    got : int
        The value, this time.
    """

    stored: int | None
    sums: tuple[int, ...]
    cycles: tuple[int, ...]
    got: int


@dataclass(frozen=True)
class Divergence:
    """The first wrong value, where it comes from, and what is known of its cause.

    ``step`` is the wrong one of ``steps`` visits, None if the sum is right or nothing is summed; ``sums`` are the
    accumulator expected and found after it, or after all visits. ``moment`` is the cycle after the start of the wrong
    sum or, if the sum is right, of the store. ``pattern`` says which values of the tensor are wrong, ``findings`` what
    would explain them.
    """

    mismatch: Mismatch
    site: Site
    steps: int
    step: Visit | None
    sums: tuple[int, int] | None
    moment: int | None
    stored: int | None
    seed_state: int | None
    row_state: int | None
    pattern: str
    findings: tuple[str, ...]
    passes: int
    reproduced: bool

    @property
    def verdict(self) -> str:
        """Which part of the accelerator to look at."""
        if not self.reproduced:
            return "not reproduced"
        if self.sums is None:
            return "max pool" if self.mismatch.step.layer.role is Role.POOL else "sums not seen"
        if self.step is not None:
            return "sum"
        return "read-out" if self.mismatch.step.layer.role is Role.CLASSIFIER else "requantizer"

    def as_json(self) -> dict:
        """Plain JSON form."""
        step = self.mismatch.step
        return {
            "verdict": self.verdict,
            "layer": step.layer.name,
            "iteration": step.iteration,
            "place": list(self.mismatch.place),
            "reference": self.mismatch.reference,
            "expected": self.mismatch.expected,
            "got": self.mismatch.got,
            "channel": self.site.channel,
            "m_tile": self.site.m_tile,
            "row": self.site.row,
            "pixel_tile": self.site.pixel_tile,
            "visits": self.steps,
            "visit": None if self.step is None else dataclasses.asdict(self.step),
            "expected_sum": None if self.sums is None else self.sums[0],
            "found_sum": None if self.sums is None else self.sums[1],
            "cycle": self.moment,
            "stored_cycle": self.stored,
            "row_state_at_layer_start": self.seed_state,
            "row_state_at_first_weight": self.row_state,
            "pattern": self.pattern,
            "findings": list(self.findings),
        }

    def __str__(self) -> str:
        layer, site = self.mismatch.step.layer, self.site
        row, channel = site.row, site.channel
        lines = [str(self.mismatch)]
        if self.steps:
            planes = f"{layer.planes} planes > " if layer.ring else ""
            lines += [
                f"computed by row {row} of m-tile {site.m_tile}, pixel {site.pixel} in pixel tile {site.pixel_tile}, "
                f"in {self.steps} visits: {planes}{layer.kernel}x{layer.kernel} taps > n-blocks > {self.passes} passes",
                f"LFSR of row {row}: {self.seed_state:#010x} at the start of the layer, {self.row_state:#010x} at its "
                f"first weight of channel {channel}",
            ]
        if self.step is not None:
            lines.append(
                f"first wrong partial sum: after {self.step}: expected {self.sums[0]}, found {self.sums[1]}, "
                f"in cycle {self.moment}"
            )
        elif self.sums is not None:
            lines.append(f"all {self.steps} partial sums are right: the accumulator is {self.sums[0]}")
        lines += [f"stored in cycle {self.stored}" if self.stored is not None else "no store was seen",
                  f"wrong: {self.pattern}", f"verdict: {self.verdict}", *self.findings]
        return "\n  ".join(lines)


def examine(
    program: Program, mismatch: Mismatch, images: np.ndarray, image: int, tensor: np.ndarray,
    watch: Callable[[Site, list[int]], Watched],
) -> Divergence:
    """Find out what can be known about ``mismatch`` on image ``image``, whose whole stored tensor is ``tensor``.

    ``watch`` runs the image again and looks at a site, given the sums to expect there.
    """
    layer = mismatch.step.layer
    execution = next(
        e for e in golden.executions(program.model, images[image : image + 1])
        if (e.layer, e.iteration) == (layer, mismatch.step.iteration)
    )
    site = locate(program, mismatch)
    order = visits(program, mismatch)
    expected = partial_sums(program, site, execution, 0).tolist() if order else []
    seen = watch(site, expected)
    reproduced = seen.got != mismatch.expected
    wrong = next((i for i, (a, b) in enumerate(zip(expected, seen.sums, strict=False)) if a != b), None)
    sums = None
    if order and len(seen.sums) == len(order):
        last = len(order) - 1 if wrong is None else wrong
        sums = (expected[last], seen.sums[last])
    states = (None, None)
    if order:
        seed = program.model.network.seed_of(layer)
        states = tuple(SIGNS.jump(seed, ROW_STRIDE * m) for m in (site.row, site.channel))
    findings = []
    if not reproduced:
        findings.append("the value is right when this image is run alone: it depends on what ran before, or on stalls")
    elif wrong is not None:
        after = (0, *seen.sums)
        first = wrong if layer.role is Role.CLASSIFIER else wrong - order[wrong].index
        end = wrong + 1 if layer.role is Role.CLASSIFIER else first + layer.mode.passes
        by_tap = after[min(end, len(seen.sums))] - after[first] * (3 if begins_plane(order, first) else 1)
        total, before = after[wrong + 1], after[wrong] * (3 if begins_plane(order, wrong) else 1)
        findings += of_visit(program, site, execution, order[wrong], total, total - before, by_tap)
        if begins_plane(order, wrong) and total - after[wrong] == expected[wrong] - before:
            findings.append("a new plane begins here, and the partial sum before it was not counted three times")
    elif sums is not None and layer.role is not Role.CLASSIFIER:
        findings += of_values(program, execution, tensor)
    return Divergence(
        mismatch, site, len(order), None if wrong is None else order[wrong], sums,
        seen.stored if wrong is None else seen.cycles[wrong], seen.stored, *states,
        pattern(execution.values[0], tensor, program.config.rows), tuple(findings), layer.mode.passes, reproduced,
    )

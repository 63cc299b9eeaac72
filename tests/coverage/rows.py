"""What every table of coverage consists of, and reviewed reasons for what stays open."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from spec.refusal import Refused

__all__ = ["GOALS", "Judged", "Row", "Waiver", "judge", "load", "shown", "total"]

#: Percent of the points of a kind that must be met, but for those with a reason why not: of every row that is shown.
GOALS = {"branch": 95, "line": 95, "toggle": 90, "bins": 100}


@dataclass(frozen=True)
class Row:
    """How many points there are, and those that nothing met."""

    points: int
    open: tuple[str, ...]

    @property
    def percent(self) -> float:
        """Of the points that were met."""
        return 100.0 if not self.points else 100 * (self.points - len(self.open)) / self.points


@dataclass(frozen=True)
class Waiver:
    """Points that need not be met: of a kind (a key of :data:`GOALS`), of rows (a pattern as of a shell), those in
    which the regular expression ``what`` is found.
    """

    kind: str
    where: str
    what: str
    why: str

    def covers(self, kind: str, row: str, point: str) -> bool:
        """Whether it speaks of ``point`` of ``row``."""
        return kind == self.kind and fnmatchcase(row, self.where) and re.search(self.what, point) is not None


@dataclass(frozen=True)
class Judged:
    """A row with reasons: how many points were met, how many need not be, and which are open."""

    points: int
    hit: int
    waived: int
    open: tuple[str, ...] = field(repr=False)

    @property
    def percent(self) -> float:
        """Met, of those that need to be."""
        needed = self.points - self.waived
        return 100 * self.hit / needed if needed else 100.0

    @property
    def measured_percent(self) -> float:
        """Met, of all there are."""
        return 100 * self.hit / self.points if self.points else 100.0


def load(path: Path) -> tuple[Waiver, ...]:
    """The waivers in ``path``.

    Raises
    ------
    Refused
        If one is not of a known kind, or lacks a part of it, or a reason.
    """
    found = []
    for number, fields in enumerate(tomllib.loads(path.read_text()).get("waiver", ()), 1):
        where = f"Waiver {number} of {path.name}"
        missing = sorted({"kind", "where", "what", "why"} - set(fields))
        if missing or len(fields) != 4:
            raise Refused(f"{where} needs kind, where, what and why and nothing else; it has {sorted(fields)}")
        if fields["kind"] not in GOALS:
            raise Refused(f"{where} has kind {fields['kind']!r}; the kinds are {', '.join(GOALS)}")
        if len(fields["why"].split()) < 4:
            raise Refused(f"{where} has no reason: {fields['why']!r}; say in a sentence why nothing can meet it")
        found.append(Waiver(**fields))
    return tuple(found)


def judge(
    tables: Mapping[str, Mapping[str, Row]], waivers: Iterable[Waiver]
) -> tuple[dict[str, dict[str, Judged]], list[Waiver]]:
    """The rows of each kind with their reasons, and the waivers that speak of no open point.

    Of a kind that is not in ``tables`` nothing is said.
    """
    used, judged = set(), {}
    asked = [waiver for waiver in waivers if waiver.kind in tables]
    for kind, rows in tables.items():
        judged[kind] = {}
        for name, row in rows.items():
            kept, waived = [], 0
            for point in row.open:
                covering = [waiver for waiver in asked if waiver.covers(kind, name, point)]
                used.update(covering)
                if covering:
                    waived += 1
                else:
                    kept.append(point)
            judged[kind][name] = Judged(row.points, row.points - len(row.open), waived, tuple(kept))
    return judged, [waiver for waiver in asked if waiver not in used]


def total(rows: Iterable[Judged]) -> Judged:
    """All of them as one."""
    rows = list(rows)
    return Judged(
        sum(row.points for row in rows), sum(row.hit for row in rows), sum(row.waived for row in rows),
        tuple(point for row in rows for point in row.open),
    )


def shown(judged: Mapping[str, Mapping[str, Judged]]) -> dict[str, dict[str, Judged]]:
    """The rows by which goals are judged: of branches those of rooms, which are sums, of all else the rows."""
    found = {kind: dict(rows) for kind, rows in judged.items()}
    if "branch" in judged:
        rooms: dict[str, list[Judged]] = {}
        for file, row in judged["branch"].items():
            rooms.setdefault(file.partition("/")[0], []).append(row)
        found["branch"] = {room: total(rows) for room, rows in rooms.items()}
    return found

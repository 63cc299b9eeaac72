"""What ``coverage.dat`` of Verilator says: which points of the Verilog were met, by module."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from spec.refusal import Refused
from tests.coverage.rows import Row

__all__ = ["KINDS", "Point", "merged", "module_of", "read", "rows_of"]

#: Kind of a point by the first part of its page: Verilator counts branches apart, but they are of its line coverage.
_KINDS = {"v_line": "line", "v_branch": "line", "v_toggle": "toggle"}
KINDS = ("line", "toggle")

_HEAD = "# SystemC::Coverage-3"
_LINE = re.compile(r"C '(.*)' (\d+)")


@dataclass(frozen=True)
class Point:
    """One thing to be met.

    Parameters
    ----------
    unit : str
        Module of the Verilog, exactly: copies of one component have points of their own. All instances of a module have
        the same ones.
    kind : str
        One of :data:`KINDS`.
    place : str
        ``line:column`` in the Verilog, and what there is beside it, such as ``if`` or ``count[3]:0->1``.
    text : str
        For people: the line of the Verilog, or the bit and the way it goes.
    """

    unit: str
    kind: str
    place: str
    text: str

    @property
    def module(self) -> str:
        """What :func:`module_of` says of its unit."""
        return module_of(self.unit)


def module_of(unit: str) -> str:
    """Name of the component that the Verilog module ``unit`` is a copy of: its path of instances without the numbers of
    copies, parameters and the name of the design.

    >>> module_of("foldenite_lane.array.select0_3"), module_of("foldenite.core.engine.weights.signs$78")
    ('lane.array.select', 'core.engine.weights.signs')
    """
    name = re.sub(r"\$\d+", "", unit.split("__")[0])
    name = re.sub(r"\d+(_\d+)*(?=\.|$)", "", name)
    name = re.sub(r"^foldenite[._]?", "", name)
    return re.sub(r"^serial(_|\.(?=core))", "", name) or "top"  # the accelerator behind its serial line is the same


@cache
def _lines(path: str) -> tuple[str, ...]:
    return tuple(Path(path).read_text().splitlines())


def _point(fields: Mapping[str, str]) -> Point | None:
    page, _, unit = fields["page"].partition("/")
    if not unit.startswith("foldenite"):  # the bench
        return None
    kind, what = _KINDS[page], re.sub(r"__0([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), fields["o"])
    text = what.replace(":", " ")
    if kind == "line":
        text = f"{_lines(fields['f'])[int(fields['l']) - 1].strip()}: {what}"
    return Point(unit, kind, f"{fields['l']}:{fields['n']} {what}", text)


def read(path: Path) -> Counter[Point]:
    """How often each point of the design was met in the run that wrote ``path``, over all instances of its module.

    Raises
    ------
    Refused
        If it is not what Verilator writes.
    """
    head, *lines = path.read_text().splitlines() or [""]
    if head != _HEAD:
        raise Refused(f"File {path} begins with {head[:40]!r}, not {_HEAD!r}, so it is no coverage; run it again")
    found: Counter[Point] = Counter()
    for number, line in enumerate(lines, 2):
        match = _LINE.fullmatch(line)
        try:
            fields = dict(part.split("\x02", 1) for part in match[1].split("\x01")[1:])
            point, times = _point(fields), int(match[2])
        except (TypeError, ValueError, KeyError, IndexError) as error:
            raise Refused(f"Line {number} of {path} is no point of coverage ({error!r}); run it again") from None
        if point is not None:
            found[point] += times
    return found


def merged(builds: Iterable[Iterable[Mapping[Point, int]]]) -> Counter[Point]:
    """Sums of the runs of each build. A module counts in the first build that has it: what is the same in two builds is
    measured once, and what only the second one has, there.
    """
    total: Counter[Point] = Counter()
    for runs in builds:
        known, of_build = {point.module for point in total}, Counter()
        for run in runs:
            of_build.update({point: times for point, times in run.items() if point.module not in known})
        total.update(of_build)
    return total


def rows_of(points: Mapping[Point, int], kind: str) -> dict[str, Row]:
    """A row for each module with points of ``kind``."""
    of_module = defaultdict(list)
    for point, times in points.items():
        if point.kind == kind:
            of_module[point.module].append((point.text, times))
    return {
        module: Row(len(found), tuple(sorted(text for text, times in found if not times)))
        for module, found in sorted(of_module.items())
    }

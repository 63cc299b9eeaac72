"""The order in which a layer's weights meet its words: one table of loops, outermost first.

One iteration of all of them is a *run*: a weight tile is loaded, a fetch of rows a cycle, and a pixel tile meets it, a
pixel a cycle. Counters in the accelerator, the order of mask memories, the cycle model and the search for a wrong sum
are read from this table.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["LOOPS", "STORED", "Loop", "down_to", "inside", "loops_of", "repetitions", "walk"]


@dataclass(frozen=True)
class Loop:
    """One loop of the nest.

    Parameters
    ----------
    name : str
        What it counts, from 0.
    field : str
        Command field (:data:`spec.commands.FIELDS`) that says how often.
    more : int
        Iterations beyond the field's value.
    again : bool
        Every iteration reads the same masks, and draws the same signs, as the one before; otherwise the next ones.
    falls : bool
        Counts down to 0.
    """

    name: str
    field: str
    more: int = 0
    again: bool = False
    falls: bool = False

    def iterations(self, fields: Mapping[str, int]) -> int:
        """How often it goes round in a command with ``fields``."""
        return fields[self.field] + self.more


LOOPS = (
    Loop("m_tile", "tiles"),
    Loop("pixel_tile", "pixel_tiles", again=True),
    Loop("plane", "top_plane", more=1, again=True, falls=True),
    Loop("ky", "kernel"),
    Loop("kx", "kernel"),
    Loop("block", "blocks"),
    Loop("pass", "passes", again=True),
)

#: Loops that masks are stored in the order of.
STORED = tuple(loop for loop in LOOPS if not loop.again)


def loops_of(*, rings: bool) -> tuple[Loop, ...]:
    """The loops that a build has; without rings every layer has one plane, and no loop for it."""
    return tuple(loop for loop in LOOPS if rings or loop.name != "plane")


def inside(name: str) -> tuple[Loop, ...]:
    """The loops inside loop ``name``, outermost first."""
    return LOOPS[_index(name) + 1 :]


def down_to(name: str) -> tuple[Loop, ...]:
    """Loop ``name`` and those around it, outermost first."""
    return LOOPS[: _index(name) + 1]


def _index(name: str) -> int:
    return [loop.name for loop in LOOPS].index(name)


def repetitions(fields: Mapping[str, int], loops: Sequence[Loop] = LOOPS) -> int:
    """How often the innermost of ``loops`` goes round in one walk through all: the product of their iterations."""
    return math.prod(loop.iterations(fields) for loop in loops)


def walk(fields: Mapping[str, int], loops: Sequence[Loop] = LOOPS) -> Iterator[dict[str, int]]:
    """Where ``loops`` are, by name, every time the innermost goes round, in order."""
    lengths = [loop.iterations(fields) for loop in loops]
    for place in np.ndindex(*lengths):
        yield {
            loop.name: length - 1 - index if loop.falls else index
            for loop, length, index in zip(loops, lengths, place, strict=True)
        }

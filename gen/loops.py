"""Which blocks the program of a network has once, though they run several times: with the same weights, other entries.

A recurrent block is a loop, and so are consecutive groups of blocks that use the same weights for maps of the same
size, as the stacks of a shared hourglass do. Loops do not nest: where a group has a recurrent block, either that is
unrolled within the loop of the group, or the groups are unrolled around its loop, whichever takes fewer commands.

All that the commands of two turns differ in is the first entry row, by as much for each of them: entries lie in the
order in which blocks run (:mod:`gen.plan`), and a group leaves the residual stream where it found it.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from spec.block import Block
from spec.commands import RUNS_MAX
from spec.layer import Scale
from spec.network import Network

__all__ = ["Run", "loops_of"]

#: Commands of a loop besides its body.
_AROUND = 2


class Run(NamedTuple):
    """One iteration of a block."""

    block: Block
    iteration: int


class _Element(NamedTuple):
    """A block as loops see it: ``key`` is equal where its commands can be, ``moves`` is whether it leaves the stream at
    the other end of its memory.
    """

    block: Block
    key: tuple
    commands: int
    moves: bool


def loops_of(network: Network) -> list[list[list[Run]]]:
    """All runs of all blocks, in order: loops of turns of runs. Of several turns the program has the first alone.

    It takes as few commands as can be; where it is as short without a loop, there is the loop. (Of groups that repeat
    within themselves only the shortest is tried.)
    """
    elements = list(_elements(network))
    best = [(0, 0, 0)] * (len(elements) + 1)  # commands from there on, blocks of a turn, the block behind all turns
    again = [0] * (len(elements) + 1)  # by distance: how many blocks from here on are as those so far behind
    for first in reversed(range(len(elements))):
        for size in range(1, len(elements) - first):
            again[size] = again[size] + 1 if _alike(elements[first], elements[first + size], size) else 0
        best[first] = min(
            ((cost + best[end][0], size, end) for size, end, cost in _choices(elements, first, again)),
            key=lambda choice: (choice[0], -choice[2], choice[1]),
        )
    found, first = [], 0
    while first < len(elements):
        _, size, end = best[first]
        blocks = [element.block for element in elements[first:end]]
        runs = [[Run(block, t) for t in range(block.iterations)] for block in blocks]
        if size == 1:
            found.append([[run] for iterations in runs for run in iterations])
        else:
            starts = range(0, len(runs), size)
            found.append([list(itertools.chain(*runs[start : start + size])) for start in starts])
        first = end
    return found


def _elements(network: Network) -> Iterator[_Element]:
    width = network.stem.width
    for block in network.blocks:
        layers = network.block_layers(block)
        key = (block.weights_of or block.name, block.scale, layers[0].height, layers[0].width)
        yield _Element(block, key, len(layers), block.scale is Scale.SAME and block.reshapes(width))
        width = block.width


def _alike(one: _Element, other: _Element, distance: int) -> bool:
    """Whether one block can be the other in a later turn: its iterations are turns, too, if it is alone in each."""
    return one.key == other.key and (distance == 1 or one.block.iterations == other.block.iterations)


def _choices(elements: Sequence[_Element], first: int, again: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """What can begin at block ``first``: blocks of a turn, the block behind all turns, and commands."""
    yield 1, first + 1, elements[first].commands + _AROUND * (elements[first].block.iterations > 1)
    covered = 0
    for size in range(1, (len(elements) - first) // 2 + 1):
        if again[size] < size or size + again[size] <= covered or not _comes_back(elements[first : first + size]):
            continue
        covered = size + again[size]
        turn = elements[first : first + size]
        cost = _AROUND + sum(e.commands * (1 if size == 1 else e.block.iterations) for e in turn)
        turns = 0
        for start in range(first, first + covered - size + 1, size):
            turns += elements[start].block.iterations if size == 1 else 1
            if turns > RUNS_MAX:
                break
            if start > first:
                yield size, start + size, cost


def _comes_back(turn: Sequence[_Element]) -> bool:
    """Whether what ``turn`` leaves is where it began: all that it keeps it takes, and the stream changes ends of its
    memory an even number of times.
    """
    kept, ends = 0, 0
    for element in turn:
        kept += element.block.scale.keeps - element.block.scale.takes
        if kept < 0:
            return False
        ends += element.moves and not kept
    return kept == 0 and ends % 2 == 0

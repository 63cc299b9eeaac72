"""When streamed masks arrive and their rows are fetched, cycle by cycle, as :mod:`rtl` does it."""

from collections import deque
from dataclasses import dataclass

from gen.turns import Turns

__all__ = ["Fetches", "Host"]

#: Cycles from the last word of a chunk to the second word of the next: the first one is looked at, then taken.
_NEXT_CHUNK = 3

#: Cycles from the second word of a chunk to its first payload word, and from its last word to its use.
_LENGTH, _ARRIVAL = 2, 2

#: Registers that a fetch goes through, the last of which holds what is written.
_STAGES = 3


class Host:
    """A host that offers a word in every cycle, chunk after chunk; the first chunk waits at the start.

    Attributes
    ----------
    last : int
        Cycle in which the last word of a chunk was taken.
    """

    def __init__(self):
        self.last = -_NEXT_CHUNK
        self._freed = deque((-1, -1), maxlen=2)

    def chunk(self, words: int) -> int:
        """Cycle from which the next chunk, of ``words`` words, is on the chip, the one before it being free already.

        Two may be there at a time.
        """
        second_word = max(self.last + _NEXT_CHUNK, self._freed[0] + 1)
        self.last = second_word + _LENGTH + words - 1
        return self.last + _ARRIVAL

    def free(self, cycle: int) -> None:
        """The oldest chunk is used for the last time in ``cycle``."""
        self._freed.append(cycle)


@dataclass(frozen=True)
class _Fetch:
    """A fetch leaves the walk at ``issued``, is ready from ``arrived`` on, and its rows are written at ``written``."""

    issued: int
    arrived: int
    written: int

    def unblocked(self, cycle: int) -> int:
        """The first cycle from ``cycle`` on in which this fetch does not hold up those behind it."""
        return self.written if self.arrived <= cycle < self.written else cycle


class Fetches:
    """Weight tiles of a layer: each is fetched row by row into the shadow set, then swapped in.

    Parameters
    ----------
    asked : int
        Cycle in which the first run asks for its weights.
    free : int
        Cycle in which the shadow set is free for the first tile.

    Attributes
    ----------
    swap : int
        Cycle of the last swap.
    weight_load, mask_wait : int
        Cycles in which the array waited, by cause.
    """

    def __init__(self, asked: int, free: int):
        self.swap = free
        self.weight_load = self.mask_wait = 0
        self._asked = asked
        self._next = 0
        self._fetches = (_Fetch(-1, -1, -1),) * _STAGES

    @property
    def issued(self) -> int:
        """Cycle in which the last fetch left the walk."""
        return self._fetches[-1].issued

    @property
    def written(self) -> int:
        """Cycle in which the rows of the last fetch were written."""
        return self._fetches[-1].written

    def resume(self, cycle: int) -> None:
        """No fetch leaves the walk before ``cycle``."""
        self._next = cycle

    def repeat(self, runs: int, fetches: int, slots: int) -> int:
        """``runs`` tiles of ``fetches`` fetches, each used for ``slots`` cycles. Returns when the first is swapped in.

        Once a tile is like the one before, the others are not followed: all times move on by the same number of cycles.
        """
        before, first = None, 0
        for run in range(runs):
            start, load, wait = self.swap, self.weight_load, self.mask_wait
            self._tile(fetches, slots)
            first = first if run else self.swap
            now = (
                self.swap - start, self.weight_load - load, self.mask_wait - wait, self._next - self.swap,
                *((f.issued - self.swap, f.arrived - self.swap, f.written - self.swap) for f in self._fetches),
            )
            if run > 1 and now == before:
                left = runs - 1 - run
                self.weight_load += left * now[1]
                self.mask_wait += left * now[2]
                self._move(left * now[0])
                break
            before = now
        return first

    def finish(self, fetches: int, slots: int, turns: Turns) -> None:
        """The tile that finishes sums, which waits for requantizers."""
        self._tile(fetches, slots, turns)

    def _tile(self, fetches: int, slots: int, turns: Turns | None = None) -> None:
        first = self._fetch(self.swap)
        for _ in range(fetches - 1):
            self._fetch(0)
        self.swap = max(self._asked, self.written + 1)
        starved = min(self.swap, max(self._asked, first.arrived)) - self._asked
        self.mask_wait += starved
        self.weight_load += self.swap - self._asked - starved
        if turns is not None:
            self.swap = turns.room(self.swap)
        self._asked = self.swap + slots

    def _fetch(self, free: int) -> _Fetch:
        """The next fetch; its rows wait until ``free``."""
        issued = arrived = self._unblocked(self._next)
        for _ in range(_STAGES - 1):
            arrived = self._unblocked(arrived + 1)
        arrived += 1
        made = _Fetch(issued, arrived, max(arrived, free))
        self._fetches = (*self._fetches[1:], made)
        self._next = issued + 1
        return made

    def _unblocked(self, cycle: int) -> int:
        """The first cycle from ``cycle`` on in which fetches move on."""
        for fetch in self._fetches:
            cycle = fetch.unblocked(cycle)
        return cycle

    def _move(self, cycles: int) -> None:
        self.swap += cycles
        self._asked += cycles
        self._next += cycles
        self._fetches = tuple(_Fetch(f.issued + cycles, f.arrived + cycles, f.written + cycles) for f in self._fetches)

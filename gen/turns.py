"""When results get their turns at the requantizers, as :mod:`rtl.control.turns` gives them."""

from rtl.lane.accumulator import Accumulator

__all__ = ["Turns"]


class Turns:
    """Requantizers that serve ``turns`` rows of a pixel one after the other.

    A word of ``run`` stands in the array ``1 ... run`` cycles after its swap; but the last one waits for the swap of
    the next run, unless the run is so short that idle slots follow it. With 1 nothing ever waits.

    Attributes
    ----------
    free : int
        Cycle from which another pixel's turns could begin if it were in the array then.
    waited : int
        Cycles in which a run had its weights and waited for requantizers.
    """

    def __init__(self, turns: int):
        self.free = self.waited = 0
        self._turns = turns
        self._held = False

    def room(self, cycle: int) -> int:
        """When the run that finishes sums is swapped in, which has its weights in ``cycle``."""
        swap = max(cycle, self.free - 1)
        self.waited += swap - cycle
        return swap

    def swapped(self, cycle: int) -> None:
        """A run is swapped in: the last word before it stands in the array."""
        if self._held:
            self.free = max(self.free, cycle) + self._turns
        self._held = False

    def finish(self, swap: int, run: int, *, ends: bool) -> None:
        """A run of ``run`` pixels is swapped in that finishes their sums. ``ends``: it is the last of its command."""
        self.swapped(swap)
        self._held = run >= Accumulator.TURNAROUND and not ends
        self.free = max(self.free, swap + 1) + self._turns * (run - self._held)

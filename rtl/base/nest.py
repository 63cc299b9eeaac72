"""Counters of a nest of loops, read from the table of :mod:`spec.order`."""

from collections.abc import Mapping, Sequence

from amaranth.hdl import Const, Module, Mux, Signal, Value

from rtl.base.command import WIDTHS
from rtl.base.countdown import begin, countdown, step
from spec.order import Loop

__all__ = ["Nest"]


class Nest:
    """Counters of ``loops``, outermost first, around a body that somebody else counts.

    Statements are added to ``m`` where :meth:`begin` and :meth:`step` are called, under the conditions there.

    Parameters
    ----------
    m : Module
    loops : sequence of Loop
    widths : mapping of str to int
        Bits of the fields that count.
    ends : Value
        Whether the body ends with this cycle's :meth:`step`; a nest that only steps where it does needs none.

    Attributes
    ----------
    last : dict of str to Value
        By name: this iteration of the loop is its last one.
    ends : dict of str to Value
        By name: the loop and all inside it are in their last iteration, so it starts again with the coming step.
    goes_on : dict of str to Value
        By name: all loops inside end, and it does not: it goes round with the coming step. At most one does.
    """

    def __init__(
        self, m: Module, loops: Sequence[Loop], ends: Value | None = None, *, widths: Mapping[str, int] = WIDTHS
    ):
        self._loops = tuple(loops)
        self._widths = widths
        self._counts = {loop.name: Signal(countdown(self._width(loop)), name=f"{loop.name}_left") for loop in loops}
        self.last = {name: count.last for name, count in self._counts.items()}
        self.ends: dict[str, Value] = {}
        self.goes_on: dict[str, Value] = {}
        inner = Const(1) if ends is None else ends
        for loop in reversed(self._loops):
            here, on = Signal(name=f"{loop.name}_ends"), Signal(name=f"{loop.name}_goes_on")
            m.d.comb += [here.eq(inner & self.last[loop.name]), on.eq(inner & ~self.last[loop.name])]
            self.ends[loop.name], self.goes_on[loop.name] = here, on
            inner = here

    def _width(self, loop: Loop) -> int:
        return ((1 << self._widths[loop.field]) - 1 + loop.more).bit_length()

    def begin(self, m: Module, command) -> None:
        """All loops start, with the iterations that ``command`` has."""
        for loop in self._loops:
            m.d.sync += begin(self._counts[loop.name], self._iterations(loop, command))

    def step(self, m: Module, command) -> None:
        """The innermost loop goes round; one that was at its end starts again, and the next outer one goes round."""
        for loop in self._loops:
            with m.If(self.goes_on[loop.name]):
                m.d.sync += step(self._counts[loop.name])
            if loop is not self._loops[0]:  # after the outermost everything is done
                with m.Elif(self.ends[loop.name]):
                    m.d.sync += begin(self._counts[loop.name], self._iterations(loop, command))

    def last_after(self, name: str, command) -> Value:
        """Whether the iteration of loop ``name`` that the coming step leads to is its last one."""
        loop = next(loop for loop in self._loops if loop.name == name)
        count = self._counts[name]
        again = self.ends[name] & (self._iterations(loop, command) != 1)
        return Mux(self.goes_on[name], count.left == 2, count.last & ~again)

    @staticmethod
    def _iterations(loop: Loop, command) -> Value:
        count = getattr(command, loop.field)
        return count + loop.more if loop.more else count

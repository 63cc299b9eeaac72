"""Who may use the requantizers when: finished sums wait for their turn, and new ones until there is room for them."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Turns"]


class Turns(wiring.Component):
    """Results of one pixel after another, ``turns`` cycles each.

    A pixel begins in the cycle in which it is ``due``, or as soon as those before it have had their turns:
    ``begin[i] = max(due[i], begin[i-1] + turns)``. All that is known when its last word is in the array; what follows
    from it comes as much later as its sums.

    ``free`` is 1 in the cycle before one in which a pixel could begin at once. If a run that finishes sums starts only
    then, no more than a tile of them ever waits, and none is overwritten: at most one pixel, the last of the run
    before, is still to come in that cycle, and it begins then or in the next one.

    Parameters
    ----------
    turns : int
        Rows per requantizer, at least 2.
    depth : int
        Pixels that can wait; a power of two.
    delay : int
        Cycles from ``due`` to ``finished``.

    Members
    -------
    due : In(1)
        The sums of a pixel will be finished.
    free : Out(1)
    finished : In(1)
        They are: ``due``, ``delay`` cycles later. They are stored in this cycle.
    finish_address : Out(range(depth))
        Where.
    taken_address : Out(range(depth))
        The finished sums whose turns they are, from the first to the last.
    soon : Out(1)
        It is the first turn of a pixel: ``delay + 1`` cycles after it began.
    turn : Out(range(turns))
        Which one it is; 0 while there is none.
    busy : Out(1)
        A pixel is due that has not had its first turn, or has it now.
    """

    def __init__(self, *, turns: int, depth: int, delay: int):
        self.turns = turns
        self.depth = depth
        self.delay = delay
        super().__init__({
            "due": In(1),
            "free": Out(1, init=1),
            "finished": In(1),
            "finish_address": Out(range(depth)),
            "taken_address": Out(range(depth)),
            "soon": Out(1),
            "turn": Out(range(turns)),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        waiting, waiting_next = Signal(range(self.depth + 1)), Signal(range(self.depth + 1))
        left, left_next = Signal(range(self.turns)), Signal(range(self.turns))  # cycles until another may begin
        begins, begun = Signal(), Signal(self.delay + 1)
        m.d.comb += [
            begins.eq((left == 0) & (self.due | (waiting != 0))),
            waiting_next.eq(waiting + self.due - begins),
            left_next.eq(Mux(begins, self.turns - 1, Mux(left == 0, 0, left - 1))),
            self.soon.eq(begun[-1]),
        ]
        m.d.sync += [
            waiting.eq(waiting_next),
            left.eq(left_next),
            self.free.eq((waiting_next == 0) & (left_next <= 1)),
            begun.eq(Cat(begins, begun)),
            self.busy.eq((waiting_next != 0) | begins | begun[:-1].any()),
        ]
        with m.If(self.finished):
            m.d.sync += self.finish_address.eq(self.finish_address + 1)
        with m.If(self.soon | (self.turn != 0)):
            m.d.sync += self.turn.eq(self.turn + 1)
        with m.If(self.turn == self.turns - 1):
            m.d.sync += self.taken_address.eq(self.taken_address + 1)
        return m

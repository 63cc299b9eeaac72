"""What the PEs of a group select from: made once per group and word, and shared by all rows."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.lane.pair_sums import PairSums
from spec.supermask import GROUP

__all__ = ["TERM_BITS", "Candidates", "Four"]

TERM_BITS = 10  #: Signed bits of a candidate and of its negative: two bytes added, -510 to 510.


class Four(data.Struct):
    """The candidates of a group, of as many bits as each needs."""

    first: 8
    second: 8
    third: 9
    fourth: signed(9)


class Candidates(wiring.Component):
    """Four numbers per group of the word, of which every PE takes one, negated or not, or none.

    Of the bytes ``x0 .. x3`` of a group they are ``x0, x1, x2, x3`` themselves, so that a pass adds any one of them.
    With ``pairs`` they are ``a, b, a + b, a - b`` of ``(a, b) = (x0, x1)``, or, with ``second``, ``(x2, x3)``: every
    ternary pair of weights but (0, 0) is one of these or its negative, so a pass adds what a mask keeps of a pair.

    Latency 1, throughput a word a cycle.

    Parameters
    ----------
    groups : int
        Tg.
    all_pairs : bool, optional
        What ``pairs`` always is, if it never changes.

    Members
    -------
    word : In(32 * groups)
        One byte per input channel.
    inside : In(1)
        Otherwise the word counts as 0 (padding).
    pairs, second : In(1)
        ``second`` only with ``pairs``.
    candidates : Out(ArrayLayout(Four, groups))
    """

    def __init__(self, *, groups: int, all_pairs: bool | None = None):
        self.groups = groups
        self.all_pairs = all_pairs
        super().__init__({
            "word": In(8 * GROUP * groups),
            "inside": In(1),
            "pairs": In(1),
            "second": In(1),
            "candidates": Out(data.ArrayLayout(Four, groups)),
        })

    def elaborate(self, platform):
        m = Module()

        for g in range(self.groups):
            x = [self.word.word_select(GROUP * g + channel, 8) for channel in range(GROUP)]
            a, b = Mux(self.second, x[2], x[0]), Mux(self.second, x[3], x[1])
            m.submodules[f"pair{g}"] = pair = PairSums(chosen=self.all_pairs is None)
            m.d.comb += [
                pair.a.eq(a), pair.b.eq(b), pair.c.eq(x[2]), pair.d.eq(x[3]), pair.pairs.eq(self.pairs)
            ]
            four = Signal(Four, name=f"candidates{g}", reset_less=True)
            with m.If(self.inside):
                m.d.sync += [
                    four.first.eq(a), four.second.eq(b), four.third.eq(pair.third), four.fourth.eq(pair.fourth)
                ]
            with m.Else():
                m.d.sync += four.as_value().eq(0)
            m.d.comb += self.candidates[g].eq(four)
        return m

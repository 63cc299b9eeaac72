"""Turns mask bits and signs into what a PE needs: which candidate of its group, negated or not, or none."""

from amaranth.hdl import Cat, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import Weight
from spec.supermask import GROUP, PAIR

__all__ = ["Expander"]


class Expander(wiring.Component):
    """Weights of one row in one pass, as selections among :class:`rtl.lane.candidates.Candidates`.

    Combinational. Raw bits are 4 a group: with ``pairs`` those of its first two channels count, or its ``second`` two,
    and any of them may be set; otherwise at most one of the four. Coded (``1of4``) there is a 2-bit channel index a
    group, and only groups that are ``used`` have a weight.

    Parameters
    ----------
    groups : int
        Tg: groups in a row.

    Members
    -------
    mask : In(4 * groups)
    codes : In(2 * groups)
    signs : In(4 * groups)
    coded : In(1)
    pairs, second : In(1)
        Neither with ``coded``.
    used : In(groups)
    weights : Out(ArrayLayout(Weight, groups))
    """

    def __init__(self, *, groups: int):
        self.groups = groups
        super().__init__({
            "mask": In(GROUP * groups),
            "codes": In(2 * groups),
            "signs": In(GROUP * groups),
            "coded": In(1),
            "pairs": In(1),
            "second": In(1),
            "used": In(groups),
            "weights": Out(data.ArrayLayout(Weight, groups)),
        })

    def elaborate(self, platform):
        m = Module()

        for g in range(self.groups):
            kept, signs = self.mask.word_select(g, GROUP), self.signs.word_select(g, GROUP)
            select, negate, valid = self._pair(*(bits.word_select(self.second, PAIR) for bits in (kept, signs)))
            single = Cat(kept[1] | kept[3], kept[2] | kept[3])
            # All forms are worked out side by side: none waits for what another selects.
            weight, code = self.weights[g], self.codes.word_select(g, 2)
            m.d.comb += [
                weight.select.eq(Mux(self.coded, code, Mux(self.pairs, select, single))),
                weight.idle.eq(~Mux(self.coded, self.used[g], Mux(self.pairs, valid, kept.any()))),
                weight.negate.eq(
                    Mux(self.coded, signs.bit_select(code, 1), Mux(self.pairs, negate, (kept & signs).any()))
                ),
            ]
        return m

    @staticmethod
    def _pair(kept: Value, signs: Value) -> tuple[Value, Value, Value]:
        """``(select, negate, valid)`` of channels a and b: candidates are a, b, a + b and a - b."""
        both, opposite = kept.all(), signs[0] ^ signs[1]
        return Cat(Mux(both, opposite, kept[1]), both), Mux(kept[0], signs[0], signs[1]), kept.any()

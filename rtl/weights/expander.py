"""Turns mask bits and signs into what a PE needs: which of four channels, negated or not, or none."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import Weight
from spec.supermask import GROUP

__all__ = ["Expander"]


class Expander(wiring.Component):
    """Weights of one row in pass ``j``: the ``j``-th kept channel of every group.

    Combinational. Raw mode reads 4 mask bits a group; coded mode (``1of4``) a 2-bit channel index a group, and only
    groups that are ``used`` have a weight.

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
    pass_index : In(2)
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
            "pass_index": In(range(GROUP)),
            "used": In(groups),
            "weights": Out(data.ArrayLayout(Weight, groups)),
        })

    def elaborate(self, platform):
        m = Module()

        for g in range(self.groups):
            nibble = self.mask.word_select(g, GROUP)
            found = Signal(GROUP, name=f"found{g}")
            for channel in range(GROUP):
                before = sum((nibble[lower] for lower in range(channel)), start=0)
                m.d.comb += found[channel].eq(nibble[channel] & (before == self.pass_index))

            # Both modes are worked out side by side: neither waits for what the other selects.
            weight, code, signs = self.weights[g], self.codes.word_select(g, 2), self.signs.word_select(g, GROUP)
            m.d.comb += [
                weight.select.eq(Mux(self.coded, code, Cat(found[1] | found[3], found[2] | found[3]))),
                weight.valid.eq(Mux(self.coded, self.used[g], found.any())),
                weight.negate.eq(Mux(self.coded, signs.bit_select(code, 1), (found & signs).any())),
            ]
        return m

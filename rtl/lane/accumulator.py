"""The psum memory: adds every row sum to the partial sum of its pixel."""

from amaranth.hdl import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ram import Ram
from rtl.lane.pe_array import add_with_carry
from spec.numerics import ACC_BITS

__all__ = ["Accumulator"]


class Accumulator(wiring.Component):
    """``acc[r] = base[r] + sums[r] + carries[r]``, where ``base`` is ``psum[pixel]`` with ``add_psum``, the previous
    ``acc`` with ``add_acc``, 0 with neither, and three times that with ``triple``.

    The read address is presented two cycles before the sums; ``acc`` is a register one cycle after them, written back
    in that cycle where ``write`` says so. The same pixel may come again :data:`TURNAROUND` cycles later.
    ``add_acc`` (the classifier sums over positions) may be set at any distance. Never set both.
    Throughput one pixel per cycle. ``triple`` costs one more adder per row, in the path from psum to ``acc``.

    Parameters
    ----------
    rows : int
    depth : int
        Pixels.
    sum_bits : int
        Signed bits of a row sum.
    acc_bits : int
        Signed bits of a partial sum.
    rings : bool
        There is a ``triple``: planes of a ring are summed by Horner's rule, the highest first.

    Members
    -------
    read_address : In(range(depth))
        Pixel of the sums of two cycles later.
    valid, add_psum, add_acc, complete : In(1)
        Of the sums in this cycle. ``complete``: the last ones of their pixel.
    triple : In(1)
        Likewise. Only with ``rings``.
    sums : In(ArrayLayout(signed(sum_bits), rows))
    carries : In(rows)
    write : In(1)
        Store ``acc``, which was computed in the last cycle.
    write_address : In(range(depth))
    acc : Out(ArrayLayout(signed(acc_bits), rows))
    latest : Out(ArrayLayout(signed(acc_bits), rows))
        ``acc`` after the last sums that were ``complete``: registers of their own, which may lie beside what comes
        next, and spare it all other sums.
    psum : Out(ArrayLayout(signed(acc_bits), rows))
        The word read two cycles after ``read_address``.
    """

    #: Least cycles from one visit of a pixel to the next.
    TURNAROUND = 4

    def __init__(self, *, rows: int, depth: int, sum_bits: int, acc_bits: int = ACC_BITS, rings: bool = False):
        self.rows = rows
        self.depth = depth
        self.sum_bits = sum_bits
        self.acc_bits = acc_bits
        self.rings = rings
        layout = data.ArrayLayout(signed(acc_bits), rows)
        super().__init__(({"triple": In(1)} if rings else {}) | {
            "read_address": In(range(depth)),
            "valid": In(1),
            "add_psum": In(1),
            "add_acc": In(1),
            "complete": In(1),
            "sums": In(data.ArrayLayout(signed(sum_bits), rows)),
            "carries": In(rows),
            "write": In(1),
            "write_address": In(range(depth)),
            "acc": Out(layout),
            "latest": Out(layout),
            "psum": Out(layout),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.psums = psums = Ram(width=self.acc_bits * self.rows, depth=self.depth)
        m.d.comb += [
            psums.read_address.eq(self.read_address),
            psums.read_enable.eq(1),
            psums.write_address.eq(self.write_address),
            psums.write_data.eq(self.acc),
            psums.write_enable.eq(self.write),
            self.psum.eq(psums.read_data),
        ]
        acc = Signal(data.ArrayLayout(signed(self.acc_bits), self.rows), reset_less=True)
        latest = Signal.like(acc)
        m.d.comb += [self.acc.eq(acc), self.latest.eq(latest)]
        for r in range(self.rows):
            psum, previous = self.psum[r].as_unsigned(), acc[r].as_unsigned()
            base = psum & self.add_psum.replicate(self.acc_bits) | previous & self.add_acc.replicate(self.acc_bits)
            if self.rings:
                base = (base + (base << 1 & self.triple.replicate(self.acc_bits + 1)))[: self.acc_bits]
            total = add_with_carry(base.as_signed(), self.sums[r], self.carries[r])
            with m.If(self.valid):
                m.d.sync += acc[r].eq(total)
            with m.If(self.complete):
                m.d.sync += latest[r].eq(total)
        return m

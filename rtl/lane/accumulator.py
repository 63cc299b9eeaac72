"""The psum memory: adds every row sum to the partial sum of its pixel."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import SumStep
from rtl.base.ram import Ram
from rtl.lane.total import TOTAL_MODULE, Total
from spec.numerics import ACC_BITS

__all__ = ["Accumulator"]


class Accumulator(wiring.Component):
    """``acc[r] = base[r] + sums[r] + carries[r]``, where ``base`` is ``psum[pixel]`` with ``add_psum``, otherwise the
    previous ``acc`` if that was to ``keep``, or 0, and three times that with ``triple``.

    The read address is presented two cycles before the sums; ``acc`` is a register one cycle after them, written back
    in that cycle where ``write`` says so. The same pixel may come again :data:`TURNAROUND` cycles later.
    The classifier, which sums over positions, keeps ``acc`` for sums at any distance: ``keep`` stays 1 from the first
    to the one before the last, and not to keep a sum, or none, forgets what was kept.
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
    results_depth : int
        Pixels whose finished sums wait in a memory of their own, while others are summed; 0: none, they leave at once.

    Members
    -------
    step : In(SumStep(depth, rings, results_depth))
    sums : In(ArrayLayout(signed(sum_bits), rows))
    carries : In(rows)
    acc : Out(ArrayLayout(signed(acc_bits), rows))
    latest : Out(ArrayLayout(signed(acc_bits), rows))
        ``acc`` after the last sums that were ``complete``: registers of their own, which may lie beside what comes
        next, and spare it all other sums. Where finished sums wait: those read two cycles after
        ``step.taken_address``.
    psum : Out(ArrayLayout(signed(acc_bits), rows))
        The word read two cycles after ``step.read_address``.
    """

    #: Least cycles from one visit of a pixel to the next.
    TURNAROUND = 4

    def __init__(
        self, *, rows: int, depth: int, sum_bits: int, acc_bits: int = ACC_BITS, rings: bool = False,
        results_depth: int = 0,
    ):
        self.rows = rows
        self.depth = depth
        self.sum_bits = sum_bits
        self.acc_bits = acc_bits
        self.rings = rings
        self.results_depth = results_depth
        layout = data.ArrayLayout(signed(acc_bits), rows)
        super().__init__({
            "step": In(SumStep(depth, rings=rings, results_depth=results_depth)),
            "sums": In(data.ArrayLayout(signed(sum_bits), rows)),
            "carries": In(rows),
            "acc": Out(layout),
            "latest": Out(layout),
            "psum": Out(layout),
        })

    def elaborate(self, platform):
        m = Module()

        step = self.step
        m.submodules.psums = psums = Ram(width=self.acc_bits * self.rows, depth=self.depth)
        m.d.comb += [
            psums.read_address.eq(step.read_address),
            psums.read_enable.eq(1),
            psums.write.address.eq(step.write_address),
            psums.write.data.eq(self.acc),
            psums.write.enable.eq(step.write),
            self.psum.eq(psums.read_data),
        ]
        acc = Signal(data.ArrayLayout(signed(self.acc_bits), self.rows), reset_less=True)
        kept = Signal.like(acc)  # acc, or 0: a register of its own has a reset, where acc would need gates
        m.d.comb += self.acc.eq(acc)
        if self.results_depth:
            self._wait(m)
        else:
            latest = Signal.like(acc)
            m.d.comb += self.latest.eq(latest)
        for r in range(self.rows):
            m.submodules[f"total{r}"] = adder = Total(self.acc_bits, "" if self.rings else TOTAL_MODULE)
            m.d.comb += [adder.sum.eq(self.sums[r]), adder.carry.eq(self.carries[r])]
            if self.rings:
                base = Mux(step.add_psum, self.psum[r], kept[r]).as_unsigned()
                m.d.comb += adder.second.eq(base + (base << 1 & step.triple.replicate(self.acc_bits + 1)))
            else:
                m.d.comb += [
                    adder.first.eq(self.psum[r]), adder.second.eq(kept[r]), adder.choose.eq(step.add_psum)
                ]
            with m.If(step.valid):
                m.d.sync += acc[r].eq(adder.total)
            with m.If(~step.keep):
                m.d.sync += kept[r].eq(0)
            with m.Elif(step.valid):
                m.d.sync += kept[r].eq(adder.total)
            if not self.results_depth:
                with m.If(step.complete):
                    m.d.sync += latest[r].eq(adder.total)
        return m

    def _wait(self, m: Module) -> None:
        """Finished sums wait until they are taken."""
        step = self.step
        m.submodules.results = results = Ram(width=self.acc_bits * self.rows, depth=self.results_depth)
        m.d.comb += [
            results.read_address.eq(step.taken_address),
            results.read_enable.eq(1),
            results.write.address.eq(step.finish_address),
            results.write.data.eq(self.acc),
            results.write.enable.eq(step.finish),
            self.latest.eq(results.read_data),
        ]

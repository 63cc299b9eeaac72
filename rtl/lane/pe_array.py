"""The select-dot array: every PE picks one of four candidates, negates it or not, and feeds its row's adder tree."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import Weight, weight_bits
from rtl.lane.candidates import TERM_BITS, Candidates
from rtl.lane.selector import Selector
from spec.supermask import GROUP

__all__ = ["PeArray", "add_with_carry", "array_latency", "row_sum_bits", "tree_latency"]


def row_sum_bits(groups: int) -> int:
    """Signed bits of a row's sum: those of a term, one more per tree level."""
    return TERM_BITS + (groups - 1).bit_length()


def tree_latency(groups: int) -> int:
    """Registers in the adder tree: one per two levels."""
    return -(-(groups - 1).bit_length() // 2)


def array_latency(groups: int) -> int:
    """Cycles from a word to its sums: its candidates, a register after the PEs, then the adder tree."""
    return 2 + tree_latency(groups)


def add_with_carry(a: Value, b: Value, carry: Value) -> Value:
    """``a + b + carry`` (a, b signed) as one adder: the carry enters below the lowest bit."""
    return (Cat(1, a).as_signed() + Cat(carry, b).as_signed())[1:].as_signed()


class PeArray(wiring.Component):
    """``sums[r] + carries[r] = sum over g of +-candidate[g][select[r][g]]`` for all rows at once, of the candidates
    that :class:`rtl.lane.candidates.Candidates` makes.

    Latency :func:`array_latency` cycles from ``word``, one less from the weights that it meets; throughput one word per
    cycle, no stall.

    Parameters
    ----------
    groups : int
        Tg: PEs per row.
    rows : int
        Tm.
    all_pairs : bool, optional
        What ``pairs`` always is, if it never changes.

    Members
    -------
    weights : In(weight_bits(groups)).array(rows)
    word : In(32 * groups)
        One byte per input channel.
    inside, pairs, second : In(1)
        With the word: what its candidates are.
    sums : Out(ArrayLayout(signed, rows))
        Row sums but for the carry.
    carries : Out(rows)
    """

    def __init__(self, *, groups: int, rows: int, all_pairs: bool | None = None):
        self.groups = groups
        self.all_pairs = all_pairs
        self.rows = rows
        super().__init__({
            "weights": In(weight_bits(groups)).array(rows),
            "word": In(8 * GROUP * groups),
            "inside": In(1),
            "pairs": In(1),
            "second": In(1),
            "sums": Out(data.ArrayLayout(signed(row_sum_bits(groups)), rows)),
            "carries": Out(rows),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.candidates = candidates = Candidates(groups=self.groups, all_pairs=self.all_pairs)
        m.d.comb += [
            candidates.word.eq(self.word),
            candidates.inside.eq(self.inside),
            candidates.pairs.eq(self.pairs),
            candidates.second.eq(self.second),
        ]
        groups = [candidates.candidates[g] for g in range(self.groups)]
        for r in range(self.rows):
            self._row(m, r, groups, data.View(data.ArrayLayout(Weight, self.groups), self.weights[r]))
        return m

    def _row(self, m: Module, r: int, candidates: list[Value], weights) -> None:
        """PEs and adder tree of row ``r``: a register after the PEs and after every second tree level."""
        nodes = [Signal(signed(TERM_BITS), name=f"row{r}_pe_sum{g}", reset_less=True) for g in range(self.groups)]
        carries = Signal(self.groups, name=f"row{r}_pe_carry", reset_less=True)
        for g, (weight, term) in enumerate(zip(weights, nodes, strict=True)):
            m.submodules[f"select{r}_{g}"] = selector = Selector()
            m.d.comb += [
                selector.candidates.eq(candidates[g]),
                selector.select.eq(weight.select),
                selector.negate.eq(weight.negate),
            ]
            with m.If(weight.idle):
                m.d.sync += [term.eq(0), carries[g].eq(0)]
            with m.Else():
                m.d.sync += [term.eq(selector.term), carries[g].eq(weight.negate)]
        carries = list(carries)
        level = 0
        while len(nodes) > 1:
            nodes, carries = (
                [add_with_carry(a, b, c) for a, b, c in zip(nodes[::2], nodes[1::2], carries, strict=False)],
                carries[len(nodes) // 2 :],
            )
            level += 1
            if level % 2 == 0 or len(nodes) == 1:
                nodes, carries = self._register(m, f"row{r}_level{level}", nodes, carries)
        m.d.comb += [self.sums[r].eq(nodes[0]), self.carries[r].eq(carries[0])]

    @staticmethod
    def _register(m: Module, name: str, nodes: list, carries: list) -> tuple[list, list]:
        """Copies of ``nodes`` and ``carries`` one cycle later."""
        held_nodes = [Signal(n.shape(), name=f"{name}_sum{i}", reset_less=True) for i, n in enumerate(nodes)]
        held_carries = Signal(len(carries), name=f"{name}_carry", reset_less=True)
        m.d.sync += [held.eq(node) for held, node in zip(held_nodes, nodes, strict=True)]
        m.d.sync += held_carries.eq(Cat(carries))
        return held_nodes, list(held_carries)

"""What a PE does to the candidates of its group: takes one, inverted or not. A small module, for a target to map."""

from typing import Protocol

from amaranth.hdl import Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.lane.candidates import TERM_BITS
from spec.supermask import GROUP

__all__ = ["SELECT_MODULE", "SELECT_VERILOG", "SelectPlatform", "Selector"]

#: Name of the Verilog module that stands for every selector.
SELECT_MODULE = "foldenite_select"

#: Behaviour of that module; replace it where a target has something better, as gen.ecp5_tools does.
SELECT_VERILOG = f"""\
// One of four candidates, inverted or not.
module {SELECT_MODULE} (
    input [{GROUP * TERM_BITS - 1}:0] candidates,
    input [1:0] select,
    input negate,
    output [{TERM_BITS - 1}:0] term
);
    assign term = candidates[select * {TERM_BITS} +: {TERM_BITS}] ^ {{{TERM_BITS}{{negate}}}};
endmodule
"""


class SelectPlatform(Protocol):
    """A platform that provides selectors itself, as instances of :data:`SELECT_MODULE`."""

    select_module: str


class Selector(wiring.Component):
    """``term = candidates[select] ^ -negate``: with a carry of ``negate``, the candidate or its negative.

    Combinational.

    Members
    -------
    candidates : In(4 * TERM_BITS)
        Lowest first.
    select : In(2)
    negate : In(1)
    term : Out(TERM_BITS)
    """

    candidates: In(GROUP * TERM_BITS)
    select: In(2)
    negate: In(1)
    term: Out(TERM_BITS)

    def elaborate(self, platform: SelectPlatform | None):
        m = Module()

        if hasattr(platform, "select_module"):
            m.submodules.select = Instance(
                platform.select_module, i_candidates=self.candidates, i_select=self.select, i_negate=self.negate,
                o_term=self.term,
            )
            return m

        candidate = self.candidates.word_select(self.select, TERM_BITS)
        m.d.comb += self.term.eq(candidate ^ self.negate.replicate(TERM_BITS))
        return m

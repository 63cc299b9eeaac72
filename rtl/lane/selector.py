"""What a PE does to the candidates of its group: takes one, inverted or not. A small module, for a target to map."""

from typing import Protocol

from amaranth.hdl import Instance, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.lane.candidates import TERM_BITS, Four

__all__ = ["SELECT_MODULE", "SELECT_VERILOG", "SelectPlatform", "Selector"]

#: Name of the Verilog module that stands for every selector.
SELECT_MODULE = "foldenite_select"

#: Behaviour of that module; replace it where a target has something better, as gen.ecp5_tools does.
SELECT_VERILOG = f"""\
// One of four candidates, inverted or not: of two bytes, nine bits, and nine with a sign, the first lowest.
module {SELECT_MODULE} (
    input [{Four.as_shape().size - 1}:0] candidates,
    input [1:0] select,
    input negate,
    output [{TERM_BITS - 1}:0] term
);
    wire [7:0] low = select[0] ? candidates[15:8] : candidates[7:0];
    wire [8:0] high = select[0] ? candidates[33:25] : candidates[24:16];
    assign term = (select[1] ? {{select[0] & high[8], high}} : {{2'b00, low}}) ^ {{{TERM_BITS}{{negate}}}};
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
    candidates : In(Four)
    select : In(2)
    negate : In(1)
    term : Out(TERM_BITS)
    """

    candidates: In(Four)
    select: In(2)
    negate: In(1)
    term: Out(TERM_BITS)

    def elaborate(self, platform: SelectPlatform | None):
        m = Module()

        if hasattr(platform, "select_module"):
            m.submodules.select = Instance(
                platform.select_module, i_candidates=Value.cast(self.candidates), i_select=self.select,
                i_negate=self.negate, o_term=self.term,
            )
            return m

        four, choice = self.candidates, self.select
        candidate = Signal(signed(TERM_BITS))
        m.d.comb += candidate.eq(
            Mux(choice[1], Mux(choice[0], four.fourth, four.third), Mux(choice[0], four.second, four.first))
        )
        m.d.comb += self.term.eq(candidate ^ self.negate.replicate(TERM_BITS))
        return m

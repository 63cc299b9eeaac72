"""How the open tools make the most of a build on an ECP5: the same for its figures and for a board's bitstream."""

from rtl.lane.candidates import TERM_BITS
from rtl.lane.selector import SELECT_MODULE, SELECT_VERILOG

__all__ = ["ECP5_PLACER", "ecp5_select", "ecp5_synthesis"]

#: The placer gives more to slow paths than it does unasked: 109 MHz for 93 MHz of a netlist of 64 PEs.
ECP5_PLACER = ("--placer-heap-timingweight", "30", "--placer-heap-critexp", "4")

#: Of a LUT with the inputs (d0, d1, choice, negate), lowest first: the chosen one of two bits, inverted or not.
_CHOOSE = sum(((index >> (index >> 2 & 1) & 1) ^ index >> 3) << index for index in range(16))


def ecp5_synthesis(top: str) -> str:
    """Yosys commands that map the design whose top module is ``top``.

    abc's script is its default one, with wires as slow as those of a routed design (1 ns): it saves levels, not only
    LUTs.
    """
    return (
        'scratchpad -set abc9.script "+&scorr;,&sweep;,&dc2;,&dch,-f,-r;,&ps;,&if,-W,1000,-v;,&mfs"; '
        f"synth_ecp5 -top {top}"
    )


def ecp5_select(module: str = SELECT_MODULE) -> str:
    """The selector, called ``module``, for ``techmap``: two LUT4 a bit, and the multiplexer behind them.

    abc would find the same function only with more cells.
    """
    named = SELECT_VERILOG.replace(f"module {SELECT_MODULE} ", f"module {module} ")
    ports = named[: named.index("    assign")]
    low, high = (
        f"        LUT4 #(.INIT(16'h{_CHOOSE:04x})) {name} (.A(candidates[{first} + place]), "
        f".B(candidates[{first + TERM_BITS} + place]),\n            .C(select[0]), .D(negate), .Z({name}_out));"
        for name, first in (("low", 0), ("high", 2 * TERM_BITS))
    )
    return f"""\
{ports}    genvar place;
    generate for (place = 0; place < {TERM_BITS}; place = place + 1) begin
        wire low_out, high_out;
{low}
{high}
        PFUMX choose (.BLUT(low_out), .ALUT(high_out), .C0(select[1]), .Z(term[place]));
    end endgenerate
endmodule
"""

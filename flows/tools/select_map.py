"""The PEs' selectors in cells of an FPGA: what abc would find only with more of them."""

from rtl.lane.candidates import TERM_BITS
from rtl.lane.selector import SELECT_VERILOG

__all__ = ["ecp5_select"]

#: Of a LUT with the inputs (d0, d1, choice, negate), lowest first: the chosen one of two bits, inverted or not.
_CHOOSE = sum(((index >> (index >> 2 & 1) & 1) ^ index >> 3) << index for index in range(16))


def ecp5_select() -> str:
    """The selector's module for ``techmap``: two LUT4 a bit, and the multiplexer behind them."""
    ports = SELECT_VERILOG[: SELECT_VERILOG.index("    assign")]
    low, high = (
        f"        LUT4 #(.INIT(16'h{_CHOOSE:04x})) {name} (.A(candidates[{first} + bit]), "
        f".B(candidates[{first + TERM_BITS} + bit]),\n            .C(select[0]), .D(negate), .Z({name}_out));"
        for name, first in (("low", 0), ("high", 2 * TERM_BITS))
    )
    return f"""\
{ports}    genvar bit;
    generate for (bit = 0; bit < {TERM_BITS}; bit = bit + 1) begin
        wire low_out, high_out;
{low}
{high}
        PFUMX choose (.BLUT(low_out), .ALUT(high_out), .C0(select[1]), .Z(term[bit]));
    end endgenerate
endmodule
"""

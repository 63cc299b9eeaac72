"""How the open tools make the most of a build on an ECP5: the same for its figures and for a board's bitstream."""

from functools import partial

from gen.ecp5_arithmetic import (
    ecp5_choice,
    ecp5_pair,
    ecp5_product,
    ecp5_shifters,
    ecp5_total,
    product_dsps,
    shifter_dsps,
)
from gen.ecp5_ram import ecp5_ram
from gen.verilog import module_of
from rtl.base.choice import CHOICE_MODULES
from rtl.base.ram import RAM_MODULE
from rtl.lane.candidates import TERM_BITS
from rtl.lane.pair_sums import PAIR_MODULE
from rtl.lane.product import PRODUCT_MODULE
from rtl.lane.selector import SELECT_MODULE, SELECT_VERILOG
from rtl.lane.total import TOTAL_MODULE
from spec.config import AcceleratorConfig

__all__ = ["ECP5_PLACER", "ecp5_modules", "ecp5_select", "ecp5_synthesis", "requantizer_dsps"]

#: The electrostatic placer: of one netlist of 16 PEs 109 to 115 MHz in 80 s, where the analytic one, with more weight
#: on slow paths than it has unasked, came to 101 MHz in 150 s.
ECP5_PLACER = ("--placer", "static")

#: How slow paths may be, with abc's delays of cells. The slowest of 16 to 256 PEs are between 6.3 and 7.4 ns where all
#: are as fast as can be, by chance, and the better they are the more LUTs all others take.
_PATH_PS = 7500

#: Of a LUT with the inputs (d0, d1, choice, negate), lowest first: the chosen one of two bits, inverted or not.
_CHOOSE = sum(((index >> (index >> 2 & 1) & 1) ^ index >> 3) << index for index in range(16))

#: Likewise (choice, choice, sign, negate): the sign of the last of four, which alone has one, inverted or not.
_SIGN = sum((index >> 3 ^ ((index & 7) == 7)) << index for index in range(16))


def ecp5_synthesis(top: str) -> str:
    """Yosys commands that map the design whose top module is ``top``.

    abc's script is its default one, with wires as slow as those of a routed design (1 ns): it saves levels, not only
    LUTs. Paths may be as slow as 7.5 ns, so those that would be faster give up levels for LUTs; and what was
    mapped is looked at, and mapped, once more.
    """
    mapping = f"&if,-W,1000,-D,{_PATH_PS},-v;,&mfs"
    script = f"+&scorr;,&sweep;,&dc2;,&dch,-f,-r;,&ps;,{mapping};,&st;,&dch,-f,-r;,{mapping}"
    return f'scratchpad -set abc9.script "{script}"; synth_ecp5 -top {top}'


def ecp5_modules(top: str, config: AcceleratorConfig, dsp: int) -> str:
    """Modules of the build ``config`` whose top is ``top`` in cells of an ECP5 with ``dsp`` multipliers, for
    ``techmap``: selectors, memories, adders that choose, and those shifters that there are multipliers for.
    """
    widths, spare = config.widths, _spare_dsps(config, dsp)
    return "".join((
        ecp5_select(module_of(top, SELECT_MODULE)), ecp5_ram(module_of(top, RAM_MODULE)),
        ecp5_pair(module_of(top, PAIR_MODULE)), ecp5_total(module_of(top, TOTAL_MODULE), bits=widths.acc),
        *(ecp5_choice(count, module_of(top, module)) for count, module in CHOICE_MODULES.items()),
        ecp5_product(module_of(top, PRODUCT_MODULE)), ecp5_shifters(spare, partial(module_of, top), widths=widths),
    ))


def _spare_dsps(config: AcceleratorConfig, dsp: int) -> int:
    """Of ``dsp`` multipliers those that each requantizer can have for its shifters."""
    return dsp // (config.requantizers * config.lanes) - product_dsps(config.widths)


def requantizer_dsps(config: AcceleratorConfig, dsp: int) -> int:
    """Multipliers that :func:`ecp5_modules` makes of a requantizer: for its product, and for shifters if there are."""
    return product_dsps(config.widths) + shifter_dsps(_spare_dsps(config, dsp), config.widths)


def ecp5_select(module: str = SELECT_MODULE) -> str:
    """The selector, called ``module``, for ``techmap``: two LUT4 a bit, and the multiplexer behind them; for the sign,
    one.

    abc would find the same function only with more cells.
    """
    named = SELECT_VERILOG.replace(f"module {SELECT_MODULE} ", f"module {module} ")
    ports = named[: named.index("    wire")]
    low, high = (
        f"        LUT4 #(.INIT(16'h{_CHOOSE:04x})) {name} (.A({a}[place]), .B({b}[place]), .C(select[0]), .D(negate), "
        f".Z({name}_out));"
        for name, a, b in (("low", "first", "second"), ("high", "third", "fourth"))
    )
    return f"""\
{ports}    wire [8:0] first = {{1'b0, candidates[7:0]}}, second = {{1'b0, candidates[15:8]}};
    wire [8:0] third = candidates[24:16], fourth = candidates[33:25];
    genvar place;
    generate for (place = 0; place < {TERM_BITS - 1}; place = place + 1) begin
        wire low_out, high_out;
{low}
{high}
        PFUMX choose (.BLUT(low_out), .ALUT(high_out), .C0(select[1]), .Z(term[place]));
    end endgenerate
    LUT4 #(.INIT(16'h{_SIGN:04x})) sign (.A(select[0]), .B(select[1]), .C(fourth[8]), .D(negate), .Z(term[9]));
endmodule
"""

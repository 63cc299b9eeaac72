"""Arithmetic of an ECP5: multipliers with their registers, shifts by them, adders whose carry cells choose, choices."""

from collections.abc import Callable, Sequence

from rtl.lane.pair_sums import PAIR_MODULE
from rtl.lane.product import FACTOR_BITS, PRODUCT_MODULE
from rtl.lane.requantizer import BIAS_SHIFT, RESIDUAL_SHIFT, WINDOW_SHIFT
from rtl.lane.total import TOTAL_MODULE
from spec.numerics import MASK_WIDTHS, Z_BITS, Widths

__all__ = [
    "ecp5_choice", "ecp5_pair", "ecp5_product", "ecp5_shifters", "ecp5_total", "product_dsps", "shifter_dsps",
]


def product_dsps(widths: Widths) -> int:
    """Multipliers of a requantizer that are not for its shifters."""
    return 1 if widths.acc <= FACTOR_BITS else 2


def _multiplier(name: str, a: str, b: str, *, signed: bool = True) -> str:
    """A multiplier of ``a`` and ``b``, expressions of 18 bits: ``name`` is their product of the cycle before. Its own
    register spares the way to one elsewhere.
    """
    bits = [(f"{factor}{bit}", f"{name}_{factor.lower()}[{bit}]") for factor in "AB" for bit in range(FACTOR_BITS)]
    bits += [(f"P{bit}", f"{name}[{bit}]") for bit in range(2 * FACTOR_BITS)]
    fixed = {"CLK0": "clk", "CE0": "1'b1", "RST0": "1'b0", "SOURCEA": "1'b0", "SOURCEB": "1'b0"}
    fixed |= dict.fromkeys(("SIGNEDA", "SIGNEDB"), f"1'b{int(signed)}")
    pins = ", ".join(f".{pin}({value})" for pin, value in (*fixed.items(), *bits))
    return (
        f"    wire [{FACTOR_BITS - 1}:0] {name}_a = {a}, {name}_b = {b};\n"
        f"    wire [{2 * FACTOR_BITS - 1}:0] {name};\n"
        f'    MULT18X18D #(.REG_OUTPUT_CLK("CLK0")) {name}_cell ({pins});\n'
    )


def ecp5_product(module: str = PRODUCT_MODULE) -> str:
    """The multiplication, so called, for ``techmap``: a multiplier with its register."""
    return (
        f"module {module} (input clk, input [17:0] a, b, output [35:0] product);\n"
        f"{_multiplier('made', 'a', 'b')}    assign product = made;\nendmodule\n"
    )


def _bias(module: str, _: Widths) -> str:
    """``value << amount`` of 20 bits, of which a multiplier takes 18. ``above``: the bits above the power."""
    return f"""\
module {module} (input clk, input [19:0] value, input [2:0] amount, output [26:0] shifted);
    reg [7:0] power, above, high;
    reg sign;
    always @(posedge clk) begin
        power <= 8'd1 << amount;
        above <= 8'hfe << amount;
        high <= power & {{8{{value[18]}}}} | above & {{8{{value[19]}}}};
        sign <= value[19];
    end
{_multiplier("low", "value[17:0]", "{10'b0, power}", signed=False)}\
    assign shifted = {{sign, low[25:18] | high, low[17:0]}};
endmodule
"""


def _residual(module: str, _: Widths) -> str:
    """``value << amount``."""
    return f"""\
module {module} (input clk, input [8:0] value, input [1:0] amount, output [11:0] shifted);
    reg [3:0] power;
    always @(posedge clk) power <= 4'd1 << amount;
{_multiplier("whole", "{{9{value[8]}}, value}", "{14'b0, power}")}\
    assign shifted = whole[11:0];
endmodule
"""


def _window(module: str, widths: Widths) -> str:
    """Of ``value << (16 - amount % 16)`` the bits from 16 on, or, if ``amount`` is 16 or more, those from 32 on."""
    sign = f"value[{widths.z}]"
    return f"""\
module {module} (input clk, input [{widths.z}:0] value, input [4:0] amount, output [13:0] shifted);
    reg [16:0] power;
    reg [1:0] far;
    always @(posedge clk) begin
        power <= 17'h10000 >> amount[3:0];
        far <= {{far[0], amount[4]}};
    end
{_multiplier("low", "{2'b0, value[15:0]}", "{1'b0, power}")}\
{_multiplier("high", f"{{{{{33 - widths.z}{{{sign}}}}}, value[{widths.z}:16]}}", "{1'b0, power}")}\
    assign shifted = far[1] ? high[29:16] : low[29:16] | high[13:0];
endmodule
"""


#: Shifters of a requantizer, with their multipliers, in the order in which these save LUTs.
_SHIFTERS = ((WINDOW_SHIFT, _window, 2), (BIAS_SHIFT, _bias, 1), (RESIDUAL_SHIFT, _residual, 1))


def _multiplied(multipliers: int, widths: Widths) -> list[tuple[str, Callable[[str, Widths], str], int]]:
    """Those of ``_SHIFTERS`` that there are ``multipliers`` for. That of wider sums, as those of a ring, is none."""
    chosen = []
    for shifter in _SHIFTERS:
        module, _, takes = shifter
        if takes <= multipliers and (module != WINDOW_SHIFT or widths.z <= Z_BITS):
            multipliers -= takes
            chosen.append(shifter)
    return chosen


def shifter_dsps(multipliers: int, widths: Widths) -> int:
    """Multipliers that the shifters of a requantizer of these ``widths`` take, of so many that there are for them."""
    return sum(takes for _, _, takes in _multiplied(multipliers, widths))


def ecp5_shifters(multipliers: int, name_of: Callable[[str], str] = str, *, widths: Widths = MASK_WIDTHS) -> str:
    """Shifters of a requantizer of these ``widths``, called ``name_of`` their usual names, for ``techmap``:
    multiplications by powers of 2, which registers hold; only as many as there are ``multipliers`` for.
    """
    return "".join(text(name_of(module), widths) for module, text, _ in _multiplied(multipliers, widths))


def _table(propagates: Callable[[int, int, int, int], int]) -> int:
    """INIT of a half of a carry cell whose LUT4 is ``propagates(a, b, c, d)``."""
    return sum(int(propagates(*(index >> place & 1 for place in range(4)))) << index for index in range(16))


#: Halves of a carry cell. Where its LUT4 says 0, the carry out is what the same table says of (a, b, 0, 0).
_CARRY = _table(lambda a, _, c, d: a and not c and not d)  #: With c 1: the carry is a.
_ADD = _table(lambda a, b, c, d: a ^ (b if c else d))  #: a + (b if c else d)
_SUM = _table(lambda a, b, c, d: a ^ c if b else d)  #: a + c if b else d, if no carry comes in then
_DIFFERENCE = _table(lambda a, b, c, d: not a ^ c if b else d)  #: c + ~a if b else d, likewise
_SIGN = _table(lambda a, *_: a)


def _chain(halves: Sequence[tuple[str, int, str, str, str, str]]) -> str:
    """Carry cells of ``halves``, lowest first: the name of what each says or "", its table, its inputs."""
    count = len(halves) + 1 >> 1
    halves = [*halves, ("", 0, *["1'b0"] * 4)]
    lines = [f"wire [{count}:0] chain;", "assign chain[0] = 1'b0;"]
    for cell in range(count):
        tables, pins = [], [f".CIN(chain[{cell}])", f".COUT(chain[{cell + 1}])"]
        for half, (says, table, *inputs) in enumerate(halves[2 * cell : 2 * cell + 2]):
            tables += [f".INIT{half}(16'h{table:04x})", f'.INJECT1_{half}("NO")']
            pins += [f".{pin}{half}({value})" for pin, value in zip("ABCDS", (*inputs, says), strict=True)]
        lines.append(f"CCU2C #({', '.join(tables)}) add{cell} ({', '.join(pins)});")
    return "".join(f"    {line}\n" for line in lines)


def ecp5_total(module: str = TOTAL_MODULE, *, bits: int = MASK_WIDTHS.acc) -> str:
    """The adder of psums of ``bits`` bits, called ``module``, for ``techmap``."""
    last, zero, one = bits - 1, "1'b0", "1'b1"
    halves = [("", _CARRY, "carry", zero, one, zero)] + [
        (f"total[{bit}]", _ADD, f"sum[{bit}]", f"first[{bit}]", "choose", f"second[{bit}]") for bit in range(bits)
    ]
    ports = ", ".join(f"input [{last}:0] {name}" for name in ("sum", "first", "second"))
    return (
        f"module {module} ({ports}, input choose, carry, output [{last}:0] total);\n"
        f"{_chain(halves)}endmodule\n"
    )


def ecp5_pair(module: str = PAIR_MODULE) -> str:
    """Sum and difference of a pair, so called, for ``techmap``."""
    zero, one = "1'b0", "1'b1"
    sums = [(f"third[{bit}]", _SUM, f"a[{bit}]", "pairs", f"b[{bit}]", f"c[{bit}]") for bit in range(8)]
    differences = [(f"fourth[{bit}]", _DIFFERENCE, f"b[{bit}]", "pairs", f"a[{bit}]", f"d[{bit}]") for bit in range(8)]
    return "".join((
        f"module {module} (input [7:0] a, b, c, d, input pairs, output [8:0] third, fourth);\n",
        "    generate if (1) begin: sums\n",
        _chain([*sums, ("third[8]", 0, zero, zero, zero, zero)]),
        "    end if (1) begin: differences\n",
        _chain([
            ("", _CARRY, "pairs", zero, one, zero), *differences, ("fourth[8]", _SIGN, "pairs", zero, zero, zero),
        ]),
        "    end endgenerate\nendmodule\n",
    ))


#: Cells of the levels of a choice, with their pins: two inputs, the choice between them, the output.
_LEVELS = (
    ("LUT4 #(.INIT(16'hcaca))", "A", "B", "C", "Z"), ("PFUMX", "BLUT", "ALUT", "C0", "Z"),
    *[("L6MUX21", "D0", "D1", "SD", "Z")] * 2,
)


def ecp5_choice(count: int, module: str) -> str:
    """A choice among ``count`` bytes, called ``module``, for ``techmap``: a LUT4 for every two bits of a place, and the
    multiplexers behind them.
    """
    levels = _LEVELS[: (count - 1).bit_length()]
    inputs, wires, cells = [f"bytes[{8 * byte} + place]" for byte in range(count)], [], []
    for level, (cell, *pins) in enumerate(levels):
        outputs = [f"level{level}_{number}" for number in range(len(inputs) // 2)]
        wires += outputs
        for number, output in enumerate(outputs):
            nets = (inputs[2 * number], inputs[2 * number + 1], f"index[{level}]", output)
            named = [f".{pin}({net})" for pin, net in zip(pins, nets, strict=True)] + [".D(1'b0)"] * (level == 0)
            cells.append(f"        {cell} of_{output} ({', '.join(named)});\n")
        inputs = outputs
    return (
        f"module {module} (input [{8 * count - 1}:0] bytes, input [{len(levels) - 1}:0] index, output [7:0] chosen);\n"
        "    genvar place;\n    generate for (place = 0; place < 8; place = place + 1) begin\n"
        f"        wire {', '.join(wires)};\n        assign chosen[place] = {inputs[0]};\n"
        f"{''.join(cells)}    end endgenerate\nendmodule\n"
    )

"""Memories of an ECP5: blocks that hold both registers of a read."""

from rtl.base.ram import RAM_MODULE, RAM_VERILOG

__all__ = ["ecp5_ram"]

#: A block has 2**14 addresses of a bit, fewer of more: bits of an address, and of a word. Of 18 bits each address has a
#: byte enable in either of its lowest bits.
_WIDTHS = {10: 18, 11: 9, 12: 4, 13: 2, 14: 1}
_DEEPEST = max(_WIDTHS)

#: Memories of no more words are left to Yosys: its blocks have words of 36 bits then, so that these, of 18, would be
#: twice as many; or distributed RAM is enough.
_SHALLOW = 512


def _by_address(values: dict[int, int]) -> str:
    """Verilog of the value for the least number of address bits that is enough."""
    *others, last = sorted(values.items())
    return "".join(f"ADDRESS <= {bits} ? {value} : " for bits, value in others) + str(last[1])


def _pins(port: str, vector: str, bits: int) -> str:
    return ", ".join(f".{port}{bit}({vector}[{bit}])" for bit in range(bits))


def ecp5_ram(module: str = RAM_MODULE) -> str:
    """The memory, called ``module``, for ``techmap``: block RAMs with words as wide as the depth allows. Their port A
    writes, their port B reads through the block's own output register.

    Yosys would take a register beside the block for the second one. But a block without its own takes 5.8 ns from the
    clock to its data, most of a cycle, and with it little: that is why a read takes two cycles. Of memories that are
    too deep for a block the multiplexer comes after these registers. Those of up to 512 words stay as they are.
    """
    named = RAM_VERILOG.replace(f"module {RAM_MODULE} ", f"module {module} ").replace("output reg", "output")
    ports = named[: named.index("    (* no_rw_check")]
    lsb = {bits: _DEEPEST - bits for bits in _WIDTHS}
    tied = ", ".join(f".{pin}(1'b{level})" for pin, level in (
        ("CEA", 1), ("OCEA", 1), ("RSTA", 0), ("CSA0", 0), ("CSA1", 0), ("CSA2", 0),
        ("WEB", 0), ("RSTB", 0), ("CSB0", 0), ("CSB1", 0), ("CSB2", 0),
    ))
    return f"""\
{ports}    wire _TECHMAP_FAIL_ = DEPTH <= {_SHALLOW};
    localparam BITS = {_by_address(_WIDTHS)};
    localparam LSB = {_by_address(lsb)};
    localparam BLOCKS = (PART + BITS - 1) / BITS;
    localparam BANKS = (DEPTH + {2**_DEEPEST - 1}) >> {_DEEPEST};
    wire [{_DEEPEST - 1}:0] written = write_address << LSB | (BITS == 18 ? 3 : 0), read = read_address << LSB;
    wire [WIDTH*BANKS-1:0] outputs;
    genvar bank, part, block;
    generate if (BANKS == 1) assign read_data = outputs;
    else begin
        reg [ADDRESS-{_DEEPEST + 1}:0] fetched_from, read_from;
        always @(posedge clk) if (read_enable) begin
            fetched_from <= read_address >> {_DEEPEST};
            read_from <= fetched_from;
        end
        assign read_data = outputs[read_from*WIDTH +: WIDTH];
    end
    for (bank = 0; bank < BANKS; bank = bank + 1) begin: banks
    for (part = 0; part < WIDTH / PART; part = part + 1) begin: parts
        for (block = 0; block < BLOCKS; block = block + 1) begin: blocks
            localparam USED = block == BLOCKS - 1 ? PART - block * BITS : BITS;
            wire [17:0] in = write_data[part*PART + block*BITS +: USED];
            wire [17:0] out;
            assign outputs[bank*WIDTH + part*PART + block*BITS +: USED] = out[USED-1:0];
            DP16KD #(
                .DATA_WIDTH_A(BITS), .DATA_WIDTH_B(BITS), .REGMODE_A("NOREG"), .REGMODE_B("OUTREG"),
                .RESETMODE("SYNC"), .ASYNC_RESET_RELEASE("SYNC"), .CSDECODE_A("0b000"), .CSDECODE_B("0b000"),
                .WRITEMODE_A("NORMAL"), .WRITEMODE_B("NORMAL"), .GSR("AUTO")
            ) cells (
                .CLKA(clk), .WEA(write_enable[part] && write_address >> {_DEEPEST} == bank),
                .CLKB(clk), .CEB(read_enable), .OCEB(read_enable),
                {tied},
                {_pins("ADA", "written", _DEEPEST)},
                {_pins("ADB", "read", _DEEPEST)},
                {_pins("DIA", "in", 18)},
                {_pins("DOB", "out", 18)},
                {", ".join(f".DIB{bit}(1'b0)" for bit in range(18))}
            );
        end
    end end endgenerate
endmodule
"""

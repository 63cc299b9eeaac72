"""The one wrapper every memory sits behind, so that a block RAM or an SRAM macro can take its place."""

from typing import Protocol

from amaranth.hdl import ClockSignal, Instance, Module, Signal, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import WritePort

__all__ = ["RAM_MODULE", "RAM_VERILOG", "Ram", "RamPlatform"]

#: Name of the Verilog module that stands for every memory.
RAM_MODULE = "foldenite_ram"

#: Behaviour of that module; replace it to map memories onto macros.
RAM_VERILOG = f"""\
// Simple dual-port memory: one write port with part enables, one read port with two registers.
// read_data follows read_address after two enabled clocks. Of a word that is written while it is read, the parts
// written are undefined, which spares a block RAM the logic around it; in simulation they come out inverted, so that
// whoever used them would be found.
module {RAM_MODULE} #(
    parameter WIDTH = 32,
    parameter DEPTH = 16,
    parameter ADDRESS = 4,
    parameter PART = 32
) (
    input clk,
    input [ADDRESS-1:0] write_address,
    input [WIDTH-1:0] write_data,
    input [WIDTH/PART-1:0] write_enable,
    input [ADDRESS-1:0] read_address,
    input read_enable,
    output reg [WIDTH-1:0] read_data
);
    (* no_rw_check *) reg [WIDTH-1:0] memory [0:DEPTH-1];
    reg [WIDTH-1:0] fetched;
    integer part;
    always @(posedge clk) begin
        for (part = 0; part < WIDTH / PART; part = part + 1)
            if (write_enable[part])
                memory[write_address][part*PART +: PART] <= write_data[part*PART +: PART];
        if (read_enable) begin
            fetched <= memory[read_address];
            read_data <= fetched;
        end
`ifndef SYNTHESIS
        for (part = 0; part < WIDTH / PART; part = part + 1)
            if (read_enable && write_enable[part] && read_address == write_address)
                fetched[part*PART +: PART] <= ~memory[read_address][part*PART +: PART];
`endif
    end
endmodule
"""


class RamPlatform(Protocol):
    """A platform that provides memories itself, as an instance of :data:`RAM_MODULE`."""

    ram_module: str


class Ram(wiring.Component):
    """Simple dual-port memory: ``read_data(t + 2) = mem[read_address(t)]``.

    Both read registers move only in cycles with ``read_enable``. One read and one write per cycle. Content is undefined
    until written, and so are the parts that a read gets in the cycle in which they are written.

    Parameters
    ----------
    width : int
        Bits per word.
    depth : int
        Words.
    part : int
        Bits per write enable; divides ``width``. The whole word by default.

    Members
    -------
    write : In(WritePort(width, depth, part))
    read_address : In(range(depth))
    read_enable : In(1)
    read_data : Out(width)
    """

    #: Enabled cycles from address to data.
    LATENCY = 2

    def __init__(self, *, width: int, depth: int, part: int | None = None):
        part = width if part is None else part
        if width < 1 or depth < 2 or width % part:
            raise ValueError(
                f"A memory needs width >= 1, depth >= 2 and a part that divides width, not {width}x{depth}/{part}"
            )
        self.width = width
        self.depth = depth
        self.part = part
        #: What it holds, for a simulation to read and to spoil; not where the platform has memories of its own.
        self.data = memory.MemoryData(shape=data.ArrayLayout(unsigned(part), width // part), depth=depth, init=[])
        super().__init__({
            "write": In(WritePort(width=width, depth=depth, part=part)),
            "read_address": In(range(depth)),
            "read_enable": In(1),
            "read_data": Out(width),
        })

    def elaborate(self, platform: RamPlatform | None):
        m = Module()

        if hasattr(platform, "ram_module"):
            m.submodules.ram = Instance(
                platform.ram_module,
                p_WIDTH=self.width,
                p_DEPTH=self.depth,
                p_ADDRESS=len(self.read_address),
                p_PART=self.part,
                i_clk=ClockSignal(),
                i_write_address=self.write.address,
                i_write_data=self.write.data,
                i_write_enable=self.write.enable,
                i_read_address=self.read_address,
                i_read_enable=self.read_enable,
                o_read_data=self.read_data,
            )
            return m

        m.submodules.memory = cells = memory.Memory(self.data)
        write = cells.write_port(granularity=1)
        read = cells.read_port()
        fetched = Signal(self.width, reset_less=True)
        m.d.comb += [
            write.addr.eq(self.write.address),
            write.data.eq(self.write.data),
            write.en.eq(self.write.enable),
            read.addr.eq(self.read_address),
            read.en.eq(self.read_enable),
            self.read_data.eq(fetched),
        ]
        with m.If(self.read_enable):
            m.d.sync += fetched.eq(read.data)
        return m

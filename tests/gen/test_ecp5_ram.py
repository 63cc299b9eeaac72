"""Memories of block RAMs read and write as the plain ones do."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gen.ecp5_ram import ecp5_ram
from rtl.base.ram import RAM_MODULE, RAM_VERILOG

needs_icarus = pytest.mark.skipif(
    shutil.which("iverilog") is None, reason="Icarus Verilog is not installed (Debian: apt-get install iverilog)"
)

#: Width, depth and part: of each width that a block has, and of several banks.
SHAPES = [(21, 600, 21), (128, 1024, 32), (64, 1500, 32), (40, 4096, 40), (32, 5000, 32), (33, 16384, 33),
          (34, 32768, 17), (8, 40000, 8)]

#: Both memories meet the same writes and reads, but never of one word in one cycle, for which there is no rule. Some
#: reads wait. Words that were not written are unknown in both.
BENCH = """
module bench;
    parameter WIDTH = 1, DEPTH = 1, ADDRESS = 1, PART = 1;
    reg clk = 0, read_enable;
    reg [ADDRESS-1:0] write_address, read_address;
    reg [WIDTH-1:0] write_data;
    reg [WIDTH/PART-1:0] write_enable;
    wire [WIDTH-1:0] plain_data, mapped_data;
    integer cycle, n, known = 0, seed = 1;
    foldenite_ram #(.WIDTH(WIDTH), .DEPTH(DEPTH), .ADDRESS(ADDRESS), .PART(PART)) plain (
        clk, write_address, write_data, write_enable, read_address, read_enable, plain_data);
    mapped #(.WIDTH(WIDTH), .DEPTH(DEPTH), .ADDRESS(ADDRESS), .PART(PART)) mapped (
        clk, write_address, write_data, write_enable, read_address, read_enable, mapped_data);
    function integer place(input integer unused);  // few words, all over the memory
        place = ($urandom(seed) % 8) * (DEPTH / 8) + ($urandom(seed) % 2) * (DEPTH / 8 - 1);
    endfunction
    initial begin
        for (cycle = 0; cycle < 4000; cycle = cycle + 1) begin
            write_address = place(0);
            read_address = place(0);
            for (n = 0; n < WIDTH; n = n + 1) write_data[n] = $urandom(seed);
            for (n = 0; n < WIDTH / PART; n = n + 1) write_enable[n] = $urandom(seed);
            if (read_address == write_address) write_enable = 0;
            read_enable = $urandom(seed) % 4 != 0;
            #1 clk = 1;
            #1 clk = 0;
            if (plain_data !== mapped_data) begin
                $display("cycle %0d: %h instead of %h", cycle, mapped_data, plain_data);
                $finish;
            end
            if (^plain_data !== 1'bx) known = known + 1;
        end
        if (known > 3000) $display("equal");
    end
endmodule
"""


def compared(folder, shape, mapped):
    """What the bench says of the plain memory and ``mapped``."""
    width, depth, part = shape
    values = {"WIDTH": width, "DEPTH": depth, "ADDRESS": (depth - 1).bit_length(), "PART": part}
    (folder / "bench.v").write_text(BENCH + RAM_VERILOG + mapped)
    subprocess.run(
        ["iverilog", "-g2012", "-s", "bench", *(f"-Pbench.{name}={value}" for name, value in values.items()),
         "-o", "bench.vvp", "bench.v", str(Path(__file__).with_name("dp16kd.v"))],
        cwd=folder, check=True, capture_output=True, text=True,
    )
    return subprocess.run(
        ["vvp", "-n", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@needs_icarus
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
def test_it_is_the_plain_memory(tmp_path, shape):
    assert compared(tmp_path, shape, ecp5_ram("mapped")) == "equal"


@needs_icarus
@pytest.mark.parametrize(("shape", "right", "wrong"), [
    (SHAPES[0], '"OUTREG"', '"NOREG"'),
    (SHAPES[0], ".OCEB(read_enable)", ".OCEB(1'b1)"),
    (SHAPES[0], ".CEB(read_enable)", ".CEB(1'b1)"),
    (SHAPES[1], "(BITS == 18 ? 3 : 0)", "1"),
    (SHAPES[1], "write_enable[part]", "write_enable[0]"),
    (SHAPES[2], "ADDRESS <= 11 ? 3", "ADDRESS <= 11 ? 2"),
    (SHAPES[6], " && write_address >> 14 == bank", ""),
    (SHAPES[7], "outputs[read_from*", "outputs[fetched_from*"),
])
def test_another_one_is_not(tmp_path, shape, right, wrong):
    assert ecp5_ram("mapped").count(right) == 1
    assert compared(tmp_path, shape, ecp5_ram("mapped").replace(right, wrong)).startswith("cycle ")


def test_shallow_memories_are_left_alone_and_another_name_is_all_that_differs():
    assert "wire _TECHMAP_FAIL_ = DEPTH <= 512;" in ecp5_ram()
    assert ecp5_ram("other") == ecp5_ram().replace(f"module {RAM_MODULE} ", "module other ")

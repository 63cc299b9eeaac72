"""Verilog as silicon powers up: nothing has an initial value."""

from sim.builds import without_initial_values

TEXT = r"""
  reg [7:0] count;
  initial count = 8'h00;
  reg \$signal$9 ;
  initial \$signal$9  = 1'h1;
  reg [2:0] wire_like;
  wire [1:0] other;
  reg [31:0] starts [3:0];
  initial begin
    starts[0] = 32'd0;
    starts[1] = 32'd0;
  end
  always @(posedge clk) begin
    count <= count + 8'h01;
  end
"""


def test_initial_values_are_removed_and_nothing_else():
    assert without_initial_values(TEXT) == r"""
  reg [7:0] count;
  reg \$signal$9 ;
  reg [2:0] wire_like;
  wire [1:0] other;
  reg [31:0] starts [3:0];
  always @(posedge clk) begin
    count <= count + 8'h01;
  end
"""

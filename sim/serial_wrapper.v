// The accelerator behind its serial line on the simulator's bench: clock and pins.
`timescale 1ns / 1ns

module testbench (
    output reg         clk,
    input  wire        rst,
    input  wire        rx,
    output wire        tx,
    output wire        busy,
    output wire        failed
);
    initial clk = 0;
    always #5 clk = ~clk;

    foldenite_serial dut (.clk(clk), .rst(rst), .rx(rx), .tx(tx), .busy(busy), .failed(failed));
endmodule

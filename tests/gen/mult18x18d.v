// What a test needs of an ECP5's multiplier: a register of the second factor, and one of the product.
module MULT18X18D #(
    parameter REG_INPUTB_CLK = "NONE",
    parameter REG_OUTPUT_CLK = "NONE"
) (
    input CLK0, CE0, RST0, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
    input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
    output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
    wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
    wire [17:0] b_in = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
    reg [17:0] b_held;
    wire [17:0] b = REG_INPUTB_CLK == "CLK0" ? b_held : b_in;
    wire [35:0] plain = a * b;
    wire signed [35:0] signed_ones = $signed(a) * $signed(b);
    wire [35:0] made = SIGNEDA & SIGNEDB ? signed_ones : plain;
    reg [35:0] made_held;
    always @(posedge CLK0) if (CE0 & ~RST0 & ~SOURCEA & ~SOURCEB & SIGNEDA == SIGNEDB) begin
        b_held <= b_in;
        made_held <= made;
    end
    assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = REG_OUTPUT_CLK == "CLK0" ? made_held : made;
endmodule

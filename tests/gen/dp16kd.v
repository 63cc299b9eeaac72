// What a block RAM of an ECP5 does as gen.ecp5_ram uses it: port A writes, port B reads through its output register.
module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC",
    parameter ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000", CSDECODE_B = "0b000",
    parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", GSR = "AUTO"
) (
    input CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2, CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8,
    input DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16, DIA17,
    input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8,
    input DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16, DIB17,
    output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8,
    output DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15, DOB16, DOB17
);
    localparam WIDTH = DATA_WIDTH_A;
    localparam LSB = WIDTH == 18 ? 4 : WIDTH == 9 ? 3 : WIDTH == 4 ? 2 : WIDTH == 2 ? 1 : 0;
    wire [13:0] a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
    wire [13:0] b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
    wire [17:0] data = {
        DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
    };
    reg [WIDTH-1:0] words [0:(1 << 14 - LSB)-1];
    reg [WIDTH-1:0] latch, register;
    wire [17:0] out = REGMODE_B == "OUTREG" ? register : latch;
    assign {
        DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
    } = out;
    wire chosen_a = {CSA2, CSA1, CSA0} == 0, chosen_b = {CSB2, CSB1, CSB0} == 0;
    always @(posedge CLKA)
        if (CEA && WEA && chosen_a && !RSTA) begin
            if (WIDTH < 18 || a[0]) words[a >> LSB][(WIDTH < 9 ? WIDTH : 9)-1:0] <= data;
            if (WIDTH == 18 && a[1]) words[a >> LSB][WIDTH-1:WIDTH/2] <= data[17:9];
        end
    always @(posedge CLKB) begin
        if (CEB && chosen_b) latch <= RSTB ? 0 : words[b >> LSB];
        if (OCEB) register <= RSTB ? 0 : latch;
    end
    initial if (DATA_WIDTH_B != DATA_WIDTH_A || REGMODE_A != "NOREG") $fatal;
endmodule

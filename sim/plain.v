// The accelerator on a bench of plain Verilog-2005, for simulators other than Verilator: does what lines on standard
// input say, one after another, and tells what it sees. Values are four-state: what is unknown is told as x.
//
//   w OFFSET VALUE   write a register; answers "w RESPONSE"
//   r OFFSET 0       read a register; answers "r RESPONSE VALUE"
//   s LAST WORD      send a word of a packet; answers nothing
//   i 0 LIMIT        wait for the interrupt, for at most LIMIT cycles; answers "i IRQ"
//   e 0 0            wait until the frames in flight are over; answers "e"
//
// Besides, whenever it is so: "m LAST WORD" for a word that leaves, "x CYCLE" where an output is unknown after reset:
// any but data, and data of a register that is read.
`timescale 1ns / 1ns

module testbench;
    reg clk, resetn;
    initial clk = 0;
    always #5 clk = ~clk;

    reg [7:0]  offset;
    reg [31:0] value;
    reg        awvalid, wvalid, arvalid, in_valid, in_last;
    wire       awready, wready, bvalid, arready, rvalid, in_ready, out_valid, out_last, irq;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata, out_data;

    foldenite dut (
        .aclk(clk), .aresetn(resetn),
        .s_axi_awaddr(offset), .s_axi_awprot(3'b0), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
        .s_axi_wdata(value), .s_axi_wstrb(4'hF), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
        .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(1'b1),
        .s_axi_araddr(offset), .s_axi_arprot(3'b0), .s_axi_arvalid(arvalid), .s_axi_arready(arready),
        .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rvalid(rvalid), .s_axi_rready(1'b1),
        .s_axis_tdata(value), .s_axis_tvalid(in_valid), .s_axis_tready(in_ready), .s_axis_tlast(in_last),
        .m_axis_tdata(out_data), .m_axis_tvalid(out_valid), .m_axis_tready(1'b1), .m_axis_tlast(out_last),
        .irq(irq)
    );

    // Inputs change a little after the rising edge, outputs are looked at just before the next one.
    integer cycle;
    wire known = ^{awready, wready, bvalid, arready, rvalid, in_ready, out_valid, irq} !== 1'bx
                 && (bvalid !== 1'b1 || ^bresp !== 1'bx) && (rvalid !== 1'b1 || ^{rresp, rdata} !== 1'bx)
                 && (out_valid !== 1'b1 || out_last !== 1'bx);
    always @(negedge clk) begin
        cycle = cycle + 1;
        if (resetn && !known) $display("x %0d", cycle);
        if (resetn && out_valid === 1'b1) $display("m %b %b", out_last, out_data);
    end
    task step;
        @(posedge clk) #1;
    endtask

    reg [7:0]  command;
    reg [31:0] first, second;
    integer    fields;
    initial begin
        cycle = 0;
        {resetn, offset, value, awvalid, wvalid, arvalid, in_valid, in_last} = 0;
        repeat (4) step;
        resetn = 1;
        step;
        fields = $fscanf('h8000_0000, " %c %h %h", command, first, second);
        while (fields == 3) begin
            case (command)
                "w": begin
                    {offset, value, awvalid, wvalid} = {first[7:0], second, 2'b11};
                    while (awvalid || wvalid) begin
                        @(negedge clk) fields = {awready, wready};
                        step;
                        {awvalid, wvalid} = {awvalid, wvalid} & ~fields[1:0];
                    end
                    while (bvalid !== 1'b1) step;
                    $display("w %b", bresp);
                    step;
                end
                "r": begin
                    {offset, arvalid} = {first[7:0], 1'b1};
                    while (arvalid) begin
                        @(negedge clk) fields = arready;
                        step;
                        arvalid = arvalid & ~fields[0];
                    end
                    while (rvalid !== 1'b1) step;
                    $display("r %b %b", rresp, rdata);
                    step;
                end
                "s": begin
                    {in_last, value, in_valid} = {first[0], second, 1'b1};
                    while (in_valid) begin
                        @(negedge clk) fields = in_ready;
                        step;
                        in_valid = in_valid & ~fields[0];
                    end
                end
                "i": begin
                    while (irq !== 1'b1 && second != 0) begin
                        step;
                        second = second - 1;
                    end
                    $display("i %b", irq);
                end
                "e": begin
                    repeat (8) step;
                    while (out_valid !== 1'b0) repeat (8) step;
                    $display("e");
                end
            endcase
            $fflush;
            fields = $fscanf('h8000_0000, " %c %h %h", command, first, second);
        end
        $finish;
    end
endmodule

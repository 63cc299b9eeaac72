// The accelerator on the simulator's bench: clock, skew, protocol checks, waveform window.
//
// A period has two moments. On the rising edge of aclk Python samples and drives; what it drove one period before
// reaches the accelerator there, so that Python sees what the accelerator is about to latch. On the falling edge the
// accelerator's own clock rises. The clock can so be made here, where it costs no Python. (An output valid that rose
// with an input, between the two, would be seen one period late; ours come from registers.)
`timescale 1ns / 1ns

module testbench (
    output reg         aclk,
    input  wire        aresetn,
    input  wire [7:0]  s_axi_awaddr,
    input  wire [2:0]  s_axi_awprot,
    input  wire        s_axi_awvalid,
    output wire        s_axi_awready,
    input  wire [31:0] s_axi_wdata,
    input  wire [3:0]  s_axi_wstrb,
    input  wire        s_axi_wvalid,
    output wire        s_axi_wready,
    output wire [1:0]  s_axi_bresp,
    output wire        s_axi_bvalid,
    input  wire        s_axi_bready,
    input  wire [7:0]  s_axi_araddr,
    input  wire [2:0]  s_axi_arprot,
    input  wire        s_axi_arvalid,
    output wire        s_axi_arready,
    output wire [31:0] s_axi_rdata,
    output wire [1:0]  s_axi_rresp,
    output wire        s_axi_rvalid,
    input  wire        s_axi_rready,
    input  wire [31:0] s_axis_tdata,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        s_axis_tlast,
    output wire [31:0] m_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire        m_axis_tlast,
    output wire        irq
);
    reg core_clk;

    initial begin
        aclk = 0;
        core_clk = 0;
    end
    always begin
        #5 begin
            aclk = 1;
            core_clk = 0;
        end
        #5 begin
            aclk = 0;
            core_clk = 1;
        end
    end

    // Inputs of the accelerator.
    reg        resetn, awvalid, wvalid, bready, arvalid, rready, in_valid, in_last, out_ready;
    reg [7:0]  awaddr, araddr;
    reg [2:0]  awprot, arprot;
    reg [31:0] wdata, in_data;
    reg [3:0]  wstrb;
    always @(posedge aclk) begin
        {resetn, awvalid, wvalid, bready, arvalid, rready} <=
            {aresetn, s_axi_awvalid, s_axi_wvalid, s_axi_bready, s_axi_arvalid, s_axi_rready};
        {awaddr, awprot, wdata, wstrb, araddr, arprot} <=
            {s_axi_awaddr, s_axi_awprot, s_axi_wdata, s_axi_wstrb, s_axi_araddr, s_axi_arprot};
        {in_valid, in_last, in_data, out_ready} <= {s_axis_tvalid, s_axis_tlast, s_axis_tdata, m_axis_tready};
    end

    foldenite dut (
        .aclk(core_clk), .aresetn(resetn),
        .s_axi_awaddr(awaddr), .s_axi_awprot(awprot), .s_axi_awvalid(awvalid), .s_axi_awready(s_axi_awready),
        .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wvalid(wvalid), .s_axi_wready(s_axi_wready),
        .s_axi_bresp(s_axi_bresp), .s_axi_bvalid(s_axi_bvalid), .s_axi_bready(bready),
        .s_axi_araddr(araddr), .s_axi_arprot(arprot), .s_axi_arvalid(arvalid), .s_axi_arready(s_axi_arready),
        .s_axi_rdata(s_axi_rdata), .s_axi_rresp(s_axi_rresp), .s_axi_rvalid(s_axi_rvalid), .s_axi_rready(rready),
        .s_axis_tdata(in_data), .s_axis_tvalid(in_valid), .s_axis_tready(s_axis_tready), .s_axis_tlast(in_last),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(out_ready), .m_axis_tlast(m_axis_tlast),
        .irq(irq)
    );

    // Per channel {m_axis, s_axis, R, AR, B, W, AW}: cycles in which one side waited for the other. Words streamed.
    wire [6:0] valid = {m_axis_tvalid, in_valid, s_axi_rvalid, arvalid, s_axi_bvalid, wvalid, awvalid};
    wire [6:0] ready = {out_ready, s_axis_tready, rready, s_axi_arready, bready, s_axi_wready, s_axi_awready};
    reg [31:0] cycle; // read
    reg [31:0] waited [0:6]; // read
    reg [31:0] words_in, words_out; // read
    integer channel;
    initial begin
        cycle = 0;
        words_in = 0;
        words_out = 0;
        for (channel = 0; channel < 7; channel = channel + 1) waited[channel] = 0;
    end
    always @(posedge core_clk) begin
        cycle <= cycle + 1;
        if (in_valid && s_axis_tready) words_in <= words_in + 1;
        if (m_axis_tvalid && out_ready) words_out <= words_out + 1;
        if (|(valid & ~ready))
            for (channel = 0; channel < 7; channel = channel + 1)
                if (valid[channel] && !ready[channel]) waited[channel] <= waited[channel] + 1;
    end

`ifndef GATES
    // What the accelerator's counters hold at the end of each command of the last inference, counted once more from
    // the causes that the engine gives, if it does; the last command ends with the inference, and then they are read.
    // Between commands nothing is on its way, and the engine says so. A netlist of gates has not these names.
    reg [31:0] started, ended; // read
    reg [`COUNTER_BITS-1:0] counts_at_end [0:65535]; // read
    reg [`COUNTER_BITS-1:0] counts; // read
    reg was_busy, was_drained;
    initial {started, ended, was_busy, was_drained, counts} = 0;
    always @(posedge core_clk) begin
        was_busy <= `ENGINE.busy;
        was_drained <= `ENGINE.drained;
        if (`ENGINE.busy) begin
            if (!was_busy) counts <= 0;
            counts[0 +: 64] <= (was_busy ? counts[0 +: 64] : 64'd0) + 1;
`ifdef CAUSES
            counts[64 * (`ENGINE.cause + 1) +: 64]
                <= (was_busy ? counts[64 * (`ENGINE.cause + 1) +: 64] : 64'd0) + 1;
`endif
        end
        if (`ENGINE.busy && !was_busy) begin
            started <= cycle;
            ended <= 0;
        end else if (`ENGINE.busy && `ENGINE.drained && !was_drained) begin
            counts_at_end[ended[15:0]] <= counts;
            ended <= ended + 1;
        end
    end
`endif

    // What a slave offers must stay until it is taken (AXI4 A3.2.1); only a reset may withdraw it.
    reg [2:0]  held;
    reg [33:0] held_r, held_m;
    reg [1:0]  held_b;
    reg [31:0] violations; // read
    initial begin
        held = 0;
        violations = 0;
    end
    always @(posedge core_clk) begin
        held <= resetn ? {m_axis_tvalid & ~out_ready, s_axi_rvalid & ~rready, s_axi_bvalid & ~bready} : 3'b0;
        held_b <= s_axi_bresp;
        held_r <= {s_axi_rresp, s_axi_rdata};
        held_m <= {1'b0, m_axis_tlast, m_axis_tdata};
        if (resetn && ((held[0] && (!s_axi_bvalid || held_b != s_axi_bresp))
                       || (held[1] && (!s_axi_rvalid || held_r != {s_axi_rresp, s_axi_rdata}))
                       || (held[2] && (!m_axis_tvalid || held_m != {1'b0, m_axis_tlast, m_axis_tdata}))))
            violations <= violations + 1;
    end

`ifdef GATES
    // Switching activity: from cycle dump_from to the end, into +dump_file=F.
    reg [8*1024-1:0] dump_file;
    reg [31:0] dump_from; // write
    initial begin
        dump_from = {32{1'b1}};
        if (!$value$plusargs("dump_file=%s", dump_file)) dump_file = "dump.saif";
    end
    always @(posedge core_clk)
        if (cycle == dump_from) begin
            $dumpfile(dump_file);
            $dumpvars(0, dut);
        end
`elsif WAVES
    // Waveform: from cycle dump_from on, or from dump_since cycles after the next start on, into +dump_file=F.
    reg [8*1024-1:0] dump_file;
    reg [31:0] dump_from, dump_since; // write
    wire [31:0] since = cycle - started;
    initial begin
        {dump_from, dump_since} = {64{1'b1}};
        if (!$value$plusargs("dump_file=%s", dump_file)) dump_file = "dump.vcd";
    end
    always @(posedge core_clk)
        if (cycle == dump_from || (was_busy && `ENGINE.busy && since == dump_since)) begin
            $dumpfile(dump_file);
            $dumpvars(0, testbench);
        end

    // Watch on command watch_command of an inference: the last write of one part of one word of an activation memory,
    // and one row's accumulator after each visit of one address of the psum memory, but for the first watch_skip visits.
    // All lanes do the same in the same cycle, so lane 0 stands for all, but each has values of its own.
    reg [31:0] watch_command, watch_address, watch_part, watch_psum, watch_row, watch_skip; // write
    reg watch_t; // write
    reg [2:0] watch_lane; // write
    wire [`ACC_BITS-1:0] row_acc [0:7];
`define ROW_ACC(n, lane) \
    assign row_acc[n] = lane.accumulator.acc[`ACC_BITS*watch_row +: `ACC_BITS];
    `ROW_ACC(0, `LANE0)
`ifdef LANE1
    `ROW_ACC(1, `LANE1)
`endif
`ifdef LANE3
    `ROW_ACC(2, `LANE2) `ROW_ACC(3, `LANE3)
`endif
`ifdef LANE7
    `ROW_ACC(4, `LANE4) `ROW_ACC(5, `LANE5) `ROW_ACC(6, `LANE6) `ROW_ACC(7, `LANE7)
`endif
    reg [31:0] watch_cycle, visited; // read
    reg [`ACC_BITS-1:0] visit_acc [0:65535]; // read
    reg [31:0] visit_cycle [0:65535]; // read
    reg summed;
    wire watching = `ENGINE.busy && was_busy && ended == watch_command;
    wire x_write = !watch_t && `LANE0.x.ram.ram.write_enable[watch_part]
                   && `LANE0.x.ram.ram.write_address == watch_address;
    wire t_write = watch_t && `LANE0.t.ram.ram.write_enable[watch_part]
                   && `LANE0.t.ram.ram.write_address == watch_address;
    wire visit = summed && `LANE0.accumulator.step__write_address == watch_psum;
    wire [31:0] number = visited - watch_skip;
    initial begin
        {watch_address, watch_part, watch_psum, watch_row, watch_skip, watch_t, watch_lane, summed} = 0;
        watch_command = 32'hFFFFFFFF;
    end
    always @(posedge core_clk) begin
        summed <= `LANE0.accumulator.step__valid;
        if (`ENGINE.busy && !was_busy) begin
            visited <= 0;
            watch_cycle <= 32'hFFFFFFFF;
        end
        if (watching && (x_write || t_write)) watch_cycle <= since;
        if (watching && visit) begin
            visited <= visited + 1;
            if (visited >= watch_skip && number < 65536) begin
                visit_acc[number[15:0]] <= row_acc[watch_lane];
                visit_cycle[number[15:0]] <= since;
            end
        end
    end
`endif
endmodule

"""Scripts that take a build to tools that do not come from pip: Vivado, and the open ECP5 tools as native programs."""

import shlex

from flows.tools.targets import TARGETS, Target
from flows.tools.yosys import preparation
from gen.verilog import TOP

__all__ = ["ecp5_script", "vivado_script"]


def vivado_script(mhz: float) -> str:
    """Tcl for ``vivado -mode batch -source vivado.tcl``: synthesis and implementation out of context, with reports."""
    return f"""\
# vivado -mode batch -source vivado.tcl
set part {TARGETS["xc7"].part}
read_verilog foldenite.v
synth_design -top {TOP} -part $part -mode out_of_context
create_clock -name aclk -period {1000 / mhz:.3f} [get_ports aclk]
report_utilization -hierarchical -file utilization_synthesis.txt
opt_design
place_design
phys_opt_design
route_design
report_utilization -hierarchical -file utilization.txt
report_timing_summary -file timing.txt
write_checkpoint -force foldenite.dcp
"""


def ecp5_script(target: Target, mhz: float, seed: int) -> str:
    """Shell script for native Yosys, nextpnr and ecppack: netlist, routed design, bitstream."""
    options = shlex.join(target.router.options)
    return f"""\
#!/bin/sh
# Native tools are several times as fast as those from pip. Pins lie anywhere: add --lpf FILE for a board.
set -e
yosys -p 'read_verilog foldenite.v; {"; ".join(preparation(target))}; {target.synthesis} -json netlist.json'
nextpnr-ecp5 --json netlist.json --report report.json --seed {seed} --freq {mhz:g} {options} --timing-allow-fail
ecppack design.config foldenite.bit
"""

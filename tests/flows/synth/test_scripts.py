"""Scripts for other tools: our file, top, part, seed and clock."""

from flows.synth.scripts import ecp5_script, vivado_script
from flows.tools.targets import TARGETS


def test_vivado():
    text = vivado_script(125.0)
    assert "set part xc7a100tcsg324-1\nread_verilog foldenite.v\nsynth_design -top foldenite -part $part" in text
    assert "create_clock -name aclk -period 8.000 [get_ports aclk]" in text
    assert text.index("synth_design") < text.index("create_clock") < text.index("place_design")


def test_ecp5():
    lines = ecp5_script(TARGETS["ecp5"], 110.0, 3).splitlines()
    assert lines[0] == "#!/bin/sh"
    (yosys,) = [line for line in lines if line.startswith("yosys")]
    assert yosys.startswith("yosys -p 'read_verilog foldenite.v; ")
    assert yosys.endswith("; synth_ecp5 -top foldenite -json netlist.json'")
    (route,) = [line for line in lines if line.startswith("nextpnr-ecp5")]
    assert {"--85k", "--speed 6", "--seed 3", "--freq 110", "--textcfg design.config"} <= {
        found for found in ("--85k", "--speed 6", "--seed 3", "--freq 110", "--textcfg design.config") if found in route
    }
    assert lines[-1] == "ecppack design.config foldenite.bit"

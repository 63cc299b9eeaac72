"""Counting a netlist: costs, and the component of every kind of cell."""

import pytest

from flows.synth.netlist import ModuleMap, component_of, count
from flows.tools.targets import TARGETS
from rtl.base.ram import RAM_MODULE

VERILOG = f"""\
// title
module foldenite(aclk);
endmodule
module \\foldenite.core.engine.weights.signs$67 (clk);
  reg state;
endmodule
module \\foldenite_lane.requantizers.requantizer3 (clk);
  reg z;
endmodule
module {RAM_MODULE} #(
  reg read_data;
"""


@pytest.mark.parametrize(("path", "component"), [
    ("foldenite", "foldenite"),
    ("foldenite.core", "core"),
    ("foldenite.core.engine", "engine"),
    ("foldenite.core.loader", "host.loader"),
    ("foldenite.core.registers.bus", "host.registers"),
    ("core.cycle_counters.snapshot", "host.cycle_counters"),
    ("foldenite.core.engine.registers", "weights.registers"),
    ("core.engine.registers.active3_TRELLIS_FF_Q", "weights.registers"),
    ("foldenite.core.engine.weights", "weights"),
    ("foldenite.core.engine.sequencer.program", "sequencer"),
    ("foldenite.core.engine.weights.signs$67", "weights.signs"),
    ("foldenite.core.engine.weights.expander12", "weights.expander"),
    ("foldenite_lane", "lane"),
    ("foldenite_lane.requantizers.requantizer31", "lane.requantizers"),
    ("core.engine.lane3.x.ram.ram.memory.0", "lane.x"),
])
def test_components(path, component):
    assert component_of(path) == component


@pytest.mark.parametrize(("source", "module"), [
    ("foldenite.v:3.1-3.9", "foldenite"),
    ("foldenite.v:5.3-5.9", "foldenite.core.engine.weights.signs$67"),
    ("/share/cells.v:5.1-6.2|foldenite.v:8.3-8.4|foldenite.v:5.1-5.2", "foldenite_lane.requantizers.requantizer3"),
    ("foldenite.v:11.3-11.4", RAM_MODULE),
    ("/share/cells.v:5.1-6.2", None),
    ("foldenite.v:1.1-1.2", None),
    ("", None),
])
def test_modules_of_lines(source, module):
    assert ModuleMap(VERILOG).at(source) == module


def cell(kind, source, inputs, outputs):
    ports = {f"i{n}": bit for n, bit in enumerate(inputs)} | {f"o{n}": bit for n, bit in enumerate(outputs)}
    return {
        "type": kind,
        "attributes": {"src": source},
        "port_directions": {name: "input" if name.startswith("i") else "output" for name in ports},
        "connections": {name: [bit] for name, bit in ports.items()},
    }


#: Two LUTs and a mux before a row's register, a LUT that feeds signs twice and the row once, one that feeds a pin.
CELLS = {
    "a": cell("LUT4", "/share/cells.v:1.1-1.2", [2, 3], [10]),
    "b": cell("LUT4", "/share/cells.v:1.1-1.2", [2, 4], [11]),
    "m": cell("PFUMX", "/share/cells.v:1.1-1.2", [10, 11], [12]),
    "z": cell("TRELLIS_FF", "foldenite.v:8.3-8.9", [12, 15], [20]),
    "s": cell("TRELLIS_FF", "foldenite.v:5.3-5.9", [15], [21]),
    "t": cell("CCU2C", "foldenite.v:5.3-5.9", [15], [22]),
    "c": cell("LUT4", "", [20], [15]),
    "p": cell("LUT4", "", [20], [30]),
    "core.engine.lane0.x.ram.ram.memory.0.0": cell("DP16KD", "/share/brams.v:1.1-2.2", [21], [40]),
    "core.engine.weights.signs$67.starts0.0.1": cell("TRELLIS_DPR16X4", "/share/brams.v:1.1-2.2", [21], [41]),
    "core.engine.lane0.y_TRELLIS_FF_Q": cell("TRELLIS_FF", "foldenite.v:11.3-11.4", [40], [42]),
    "$scopeinfo": cell("$scopeinfo", "", [], []),
}
NETLIST = {"modules": {"foldenite": {
    "cells": CELLS,
    "netnames": {
        "core.engine.lane0.y": {"bits": [42]},
        "core.engine.lane0.x.ram.read_data": {"bits": [42]},
        "core.engine.lane0.x.ram.ram.read_data": {"bits": [42]},
    },
}}}


def test_every_cell_is_counted_once_where_it_belongs():
    types, components = count(NETLIST, VERILOG, TARGETS["ecp5"])
    assert types == {"LUT4": 4, "PFUMX": 1, "TRELLIS_FF": 3, "CCU2C": 1, "DP16KD": 1, "TRELLIS_DPR16X4": 1}
    assert {name: {r: n for r, n in counts.items() if n} for name, counts in components.items()} == {
        "lane.requantizers": {"lut": 2, "ff": 1},
        "weights.signs": {"lut": 1 + 2 + 6, "ff": 1},
        "lane.x": {"bram": 1, "ff": 1},
        "pins": {"lut": 1},
    }


def test_a_loop_of_luts_ends():
    cells = {"a": cell("LUT4", "", [2], [1]), "b": cell("LUT4", "", [1], [2])}
    _, components = count({"modules": {"foldenite": {"cells": cells, "netnames": {}}}}, VERILOG, TARGETS["ecp5"])
    assert components == {"pins": {"lut": 2, "ff": 0, "bram": 0, "dsp": 0}}


@pytest.mark.parametrize(("target", "name", "kind", "component", "cost"), [
    ("ice40", "core.engine.lane0.accumulator.psums.ram.memory.0.1", "SB_RAM40_4K", "lane.accumulator", {"bram": 1}),
    ("ice40", "core.engine.sequencer.program.ram.memory.0.0", "SB_RAM40_4K", "sequencer", {"bram": 1}),
    ("xc7", "core.engine.lane0.t.ram.ram.memory.0.2", "RAMB36E1", "lane.t", {"bram": 2}),
    ("xc7", "core.engine.weights.signs$67.starts0.0.1", "RAM32M", "weights.signs", {"lut": 4}),
    ("xc7", "core.engine.lane0.accumulator.psums.ram.memory.0.10", "RAM64M", "lane.accumulator", {"lut": 4}),
])
def test_memories_belong_to_what_is_named_with_them_on_every_target(target, name, kind, component, cost):
    cells = {name: cell(kind, "/share/brams_map.v:204.532-204.765", [2], [3])}
    netlist = {"modules": {"foldenite": {"cells": cells, "netnames": {}}}}
    types, components = count(netlist, VERILOG, TARGETS[target])
    assert types == {kind: 1}
    assert {part: {r: n for r, n in counts.items() if n} for part, counts in components.items()} == {component: cost}


def test_a_multiplier_of_seven_series_is_of_the_line_that_multiplies():
    dsp = cell("DSP48E1", "foldenite.v:8.18-8.53|/share/mul2dsp.v:255.6-259.5", [2], [3])
    netlist = {"modules": {"foldenite": {"cells": {"$flatten\\core.$mul$foldenite.v:8$1": dsp}, "netnames": {}}}}
    _, components = count(netlist, VERILOG, TARGETS["xc7"])
    assert components["lane.requantizers"]["dsp"] == 1

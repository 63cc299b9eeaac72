"""A small design mapped by Yosys to the cells of ``cells.lib``: what is written, and what is read of the log."""

import json
import re
from pathlib import Path

import pytest

from flows.asic.library import read_library
from flows.asic.mapping import DELAYS, GATES, NETLIST, Delay, map_design, slowest
from flows.asic.power import areas
from flows.tools import yosys
from flows.tools.process import ToolFailed
from rtl.base.ram import RAM_MODULE, RAM_VERILOG

CELLS = Path(__file__).with_name("cells.lib")

# The top, a component with an initial value and a constant, and a memory.
DESIGN = r"""
module foldenite(input aclk, input [1:0] a, output [1:0] y, output [7:0] data);
  \foldenite.core core (.clk(aclk), .a(a), .y(y), .data(data));
endmodule
module \foldenite.core (input clk, input [1:0] a, output [1:0] y, output [7:0] data);
  reg [1:0] state = 2'h3;
  always @(posedge clk) state <= {a[0] & a[1], state[1] ^ a[0]};
  assign y = state;
  foldenite_ram #(.WIDTH(8), .DEPTH(4), .ADDRESS(2), .PART(8)) ram (
    .clk(clk), .write_address(a), .write_data({6'h0, state}), .write_enable(a[0]), .read_address(state),
    .read_enable(1'h1), .read_data(data)
  );
endmodule
"""


@pytest.fixture(scope="module")
def mapped(tmp_path_factory):
    folder, lines = tmp_path_factory.mktemp("mapped"), []
    map_design(DESIGN + RAM_VERILOG, CELLS, read_library(CELLS), 2.0, folder, lines.append)
    return folder, lines


def test_the_netlist_is_of_cells_and_memories(mapped):
    module = json.loads((mapped[0] / NETLIST).read_text())["modules"]["foldenite"]
    types = [cell["type"] for cell in module["cells"].values()]
    assert types.count("DFF") == 2
    assert types.count("HIGH") == 1
    assert [name for name in types if RAM_MODULE in name] == [RAM_MODULE]
    assert all(name.startswith("core.") for name in module["cells"])
    (part,) = areas(module, read_library(CELLS)).values()
    assert part.sequential_um2 == 8.0


def test_the_gates_have_the_nets_of_the_netlist(mapped):
    module = json.loads((mapped[0] / NETLIST).read_text())["modules"]["foldenite"]
    gates = (mapped[0] / GATES).read_text()
    driven = {bit for cell in module["cells"].values() for bit in cell["connections"].get("ZN", [])}
    names = {name.rpartition(".")[2] for name, net in module["netnames"].items() if set(net["bits"]) & driven}
    inner = {name for name in names if re.fullmatch(r"n\d+", name)}
    assert inner
    assert all(re.search(rf"\b{name}\b", gates) for name in inner)
    assert not re.search(r"\b(NAND|DFF|HIGH)\b", gates)
    assert gates.count(f"module {RAM_MODULE}") == 1
    assert re.search(rf"{RAM_MODULE} #\(\s*\.ADDRESS", gates)


def test_progress_and_delay(mapped):
    folder, lines = mapped
    assert [yosys.pass_of(line) for line in lines if yosys.pass_of(line)][:2] == [
        (1, "verilog-2005"), (2, "verilog-2005")
    ]
    assert slowest(folder).module == "foldenite.core"
    assert 0 < slowest(folder).picoseconds < 1000


def test_the_slowest_module(tmp_path):
    (tmp_path / DELAYS).write_text(json.dumps({"a": 100.0, "b": 250.5, "c": 30.0}))
    assert slowest(tmp_path) == Delay("b", 250.5)
    (tmp_path / DELAYS).write_text("{}")
    assert slowest(tmp_path) == Delay("", 0.0)


def test_what_yosys_cannot_read_fails(tmp_path):
    with pytest.raises(ToolFailed, match="ERROR"):
        map_design("module foldenite(\n" + RAM_VERILOG, CELLS, read_library(CELLS), 2.0, tmp_path, lambda line: None)


@pytest.mark.parametrize(("line", "found"), [
    ("6. Executing ABC pass (technology mapping using ABC).", (6, "abc")),
    ("14. Executing JSON backend.", (14, "json")),
    ("6.1. Extracting gate netlist", None),
    ("4.2. Executing PROC pass (convert processes to netlists).", None),
])
def test_passes_as_yosys_announces_them(line, found):
    assert yosys.pass_of(line) == found

"""What is simulated, and that Verilator counts what was met in it."""

import pytest

from sim.crosses import possible
from sim.random_models import FEATURES
from sim.verilator import View, build_simulation
from spec.files import build_root
from tests.coverage import simulations
from tests.coverage.points import merged, read, rows_of
from tests.coverage.rows import Row

WRAPPER = """\
module testbench (
    output reg  clk,
    input  wire rst
);
    initial clk = 0;
    always #5 clk = ~clk;
    wire [3:0] count;
    foldenite dut (.clk(clk), .rst(rst), .count(count));
endmodule
"""
DESIGN = """\
module foldenite (input clk, input rst, output reg [3:0] count);
  always @(posedge clk)
    if (rst) count <= 4'd0;
    else if (count == 4'd9) count <= 4'd0;
    else count <= count + 4'd1;
endmodule
"""


@pytest.mark.slow
def test_what_a_simulation_met_is_counted(tmp_path):
    """Three cycles: of the conditions all but one are met, of four bits two change."""
    wrapper = tmp_path / "wrapper.v"
    wrapper.write_text(WRAPPER)
    simulation = build_simulation(DESIGN, build_root() / "verilator" / "counting", view=View.COVERAGE, wrapper=wrapper)
    (case,) = simulation.run("tests.coverage.counting", tmp_path / "run")
    assert case.failure is None
    points = merged([[read(tmp_path / "run" / "coverage.dat")]])
    lines, toggles = rows_of(points, "line")["top"], rows_of(points, "toggle")["top"]
    assert [text for text in lines.open if "4'd9" in text]
    assert len(lines.open) < lines.points
    assert {text for text in toggles.open if text.startswith("count[3]")} == {"count[3] 0->1", "count[3] 1->0"}
    assert "count[0] 0->1" not in toggles.open
    assert points != dict.fromkeys(points, 0)


def test_all_that_can_be_is_met():
    rows = simulations.bins()
    assert {name: row.open for name, row in rows.items() if row.open} == {}
    assert rows["networks"] == Row(len(FEATURES), ())
    assert sum(row.points for name, row in rows.items() if name != "networks") == len(possible())


def test_a_network_less_leaves_something_open(monkeypatch):
    networks = list(simulations.networks())
    monkeypatch.setattr(simulations, "networks", lambda: networks[:-1])
    assert any(row.open for row in simulations.bins().values())


def test_reasons_are_those_of_the_spec_and_the_compiler():
    reasons = simulations.impossible()
    assert sum(reasons.values()) + len(possible()) == len(simulations.every_cross())
    assert all(why.startswith(("spec.network", "gen.plan")) for why in reasons)


def test_every_run_is_told_apart():
    for runs in simulations.RUNS.values():
        assert len({run.name for run in runs}) == len(runs)

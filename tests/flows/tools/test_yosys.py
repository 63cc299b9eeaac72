"""Yosys: its steps are told, its errors do not end us, and a real build is synthesized once, by the command."""

import json
from dataclasses import replace

import pytest

from flows.synth import __main__ as synth
from flows.tools import yosys
from flows.tools.process import ToolFailed
from flows.tools.targets import TARGETS, Router
from spec.refusal import Refused

#: The smallest array, on small memories and in one mode, because how long Yosys takes is all this costs.
BUILD = ["--pe", "16", "--x-bytes", "1024", "--t-bytes", "1024", "--mask-bits", "16384", "--entries", "256",
         "--modes", "1of4", "--no-streams", "--no-max-pool", "--protect", "none", "--rows-per-requantizer", "4"]


@pytest.mark.parametrize(("line", "step"), [
    ("2.3. Executing HIERARCHY pass (managing design hierarchy).", (3, "hierarchy")),
    ("2.44. Executing ABC9 pass.", (44, "abc9")),
    ("2.3.1. Analyzing design hierarchy..", None),
    ("2.44.15.7. Executing ABC_OPS_REINTEGRATE pass (reintegrate ABC mapped design into module).", None),
    ("1. Executing Verilog-2005 frontend: foldenite.v", None),
])
def test_steps(line, step):
    assert yosys.step_of(line) == step


def test_an_error_of_yosys_is_told(tmp_path):
    with pytest.raises(ToolFailed, match=r"ERROR: syntax error|ERROR: .*unexpected"):
        yosys.synthesize(TARGETS["ecp5"], "module foldenite(;", tmp_path, lambda number, name: None)
    assert not (tmp_path / yosys.NETLIST).exists()


def test_sixteen_pes_on_ecp5(tmp_path, capsys, monkeypatch):
    arguments = [*BUILD, "--target", "ecp5", "--out", str(tmp_path), "--json"]
    assert synth.main(arguments) == 0
    record = json.loads(capsys.readouterr().out)
    assert record == json.loads((tmp_path / "synth.json").read_text())
    synthesis, resources = record["synthesis"], record["synthesis"]["resources"]
    assert (record["pe"], record["fits"], record["route"]) == (16, True, None)
    assert (synthesis["version"], synthesis["stage"]) == (yosys.version(), "synthesis")
    cells, components = synthesis["cells"], synthesis["components"]
    assert resources["ff"]["used"] == cells["TRELLIS_FF"]
    assert resources["lut"]["used"] == cells["LUT4"] + 2 * cells["CCU2C"] + 6 * cells["TRELLIS_DPR16X4"]
    for resource in resources:
        assert sum(counts[resource] for counts in components.values()) == resources[resource]["used"]
    assert components["lane.requantizers"]["dsp"] == resources["dsp"]["used"] == 6
    assert components["lane.x"]["bram"] > 0
    known = {
        "host.registers", "host.loader", "host.sender", "host.cycle_counters", "sequencer", "addresses", "results",
        "store", "lane.array", "lane.accumulator", "lane.x", "lane.t", "weights.walk",
        "weights.signs", "weights.masks", "weights.registers",
    }
    assert known <= set(components)
    assert (tmp_path / "ecp5.sh").is_file()

    (stage,) = tmp_path.glob("yosys-*")
    made = (stage / yosys.NETLIST).stat().st_mtime_ns
    assert synth.main(arguments) == 0
    assert json.loads(capsys.readouterr().out) == record
    assert list(tmp_path.glob("yosys-*")) == [stage]
    assert (stage / yosys.NETLIST).stat().st_mtime_ns == made

    # On a part with a LUT too few it is counted, not routed, and refused.
    small = dict(TARGETS["ecp5"].capacity, lut=resources["lut"]["used"] - 1)
    monkeypatch.setitem(TARGETS, "ecp5", replace(TARGETS["ecp5"], capacity=small, router=Router(("true",), (), "")))
    with pytest.raises(Refused, match=r"16 PEs do not fit .* \(1 too many\); no --pe fits, because 16 is the smallest"):
        synth.main([*arguments, "--route"])
    refused = json.loads((tmp_path / "synth.json").read_text())
    assert (refused["fits"], refused["route"]) == (False, None)
    assert refused["synthesis"]["components"] == components
    assert refused == json.loads(capsys.readouterr().out)

"""The report: every number with its tool, version, seed and stage."""

import io
from collections import Counter

from rich.console import Console

from flows.synth import report
from flows.synth.nextpnr import PathPoint, Routed
from flows.tools.targets import TARGETS
from spec.config import config_for

COMPONENTS = {
    "lane.array": Counter(lut=100, ff=60, bram=0, dsp=0),
    "lane.requantizers": Counter(lut=1500, ff=4, bram=2, dsp=8),
}
SYNTHESIS = report.synthesis_record(config_for(16), TARGETS["ecp5"], "0.70", Counter(LUT4=1600), COMPONENTS)
ROUTED = Routed("aclk", 98.765, {"TRELLIS_COMB": {"used": 1, "of": 2}}, (PathPoint("logic", 0.5, "a"),))
ROUTE = report.route_record("nextpnr-ecp5", "0.11", 3, 110.0, ROUTED)
RECORD = {"pe": 16, "part": "a part", "synthesis": SYNTHESIS, "route": ROUTE}


def test_sums_and_where_they_come_from():
    assert SYNTHESIS["resources"]["lut"] == {"used": 1600, "of": 83640}
    assert SYNTHESIS["resources"]["bram"] == {"used": 2, "of": 208}
    assert SYNTHESIS["lut_per_pe"] == 100
    assert (SYNTHESIS["tool"], SYNTHESIS["version"], SYNTHESIS["stage"]) == ("Yosys (pyosys)", "0.70", "synthesis")
    assert [ROUTE[key] for key in ("tool", "version", "seed", "stage", "asked_mhz", "clock", "fmax_mhz")] == [
        "nextpnr-ecp5", "0.11", 3, "routed", 110.0, "aclk", 98.765,
    ]
    assert ROUTE["critical_path"] == ({"kind": "logic", "delay_ns": 0.5, "cell": "a"},)


def test_lines():
    counts = "16 PEs on ecp5: 1,600 LUT (2 %), 64 FF (0 %), 2 block RAM (1 %), 8 DSP (5 %); 100.0 LUT per PE"
    assert report.line(16, "ecp5", RECORD | {"route": None}) == f"{counts} (Yosys 0.70, synthesis); not routed"
    assert report.line(16, "ecp5", RECORD) == (
        f"{counts} (Yosys 0.70, synthesis); 98.8 MHz routed (nextpnr-ecp5 0.11, seed 3)"
    )


def test_the_largest_component_comes_first():
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(report.table(RECORD))
    text = console.export_text()
    assert text.index("lane.requantizers") < text.index("lane.array")
    assert "1,500" in text

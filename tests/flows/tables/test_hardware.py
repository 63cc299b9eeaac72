"""Tables of what was simulated and synthesized, a row a run."""

from flows.tables.hardware import bench, networks, with_run
from spec.config import config_for

SIMULATED = {
    "network": "net", "mode": "1of4", "pe": 64, "cycles_per_image_measured": 1234567.0,
    "dense_equivalent_macs_per_pe_and_cycle": 3.9704, "values_compared": 3_432_648, "mismatches": 0,
    "simulated_cycles_per_s": 365_400.0, "trained": False,
}


def test_trained_networks_have_a_table_of_their_own():
    rows = {"rows": [SIMULATED, SIMULATED | {"network": "zoo", "trained": True, "mismatches": 2}]}
    line = "| net | `1of4` | 64 | 1,234,567 | 3.970 | 3,432,648 | 0 | 365 k |"
    assert networks(rows, trained=False).splitlines()[2:] == [line]
    assert networks(rows, trained=True).splitlines()[2:] == [line.replace("net", "zoo").replace("| 0 |", "| 2 |")]


def test_rows_of_the_benchmark():
    row = {
        "pe": 16, "mode": "any", "cycles_measured": 122_304.0, "measured_over_predicted": 1.0,
        "block_layer_utilization": 0.99841, "dense_equivalent_macs_per_pe_and_cycle": 0.993,
        "simulated_cycles_per_s": 220_471.3,
    }
    assert bench({"cycles": {"rows": [row]}}).splitlines()[2:] == [
        "| 16 | `any` | 122,304 | 1.000000 | 99.8 | 0.993 | 220 k |",
    ]


def run(pe, luts, target="ecp5", **shape):
    resources = {name: {"used": luts} for name in ("lut", "ff", "bram", "dsp")}
    synthesis = {"tool": "Yosys", "version": "1", "lut_per_pe": luts / pe, "resources": resources}
    return {"target": target, "pe": pe, "config": config_for(pe, **shape).to_json(), "fits": True, "route": None,
            "synthesis": synthesis}


def test_a_run_replaces_the_one_of_its_build_and_target_only():
    runs = []
    wide = {"groups": 8, "rows": 8}
    for record in (run(64, 1), run(16, 2), run(64, 3, **wide), run(64, 4, "xc7"), run(64, 5)):
        runs = with_run(runs, record)
    luts = [(each["target"], each["pe"], each["synthesis"]["resources"]["lut"]["used"]) for each in runs]
    assert sorted(luts) == [("ecp5", 16, 2), ("ecp5", 64, 3), ("ecp5", 64, 5), ("xc7", 64, 4)]
    assert [target for target, *_ in luts] == ["ecp5", "ecp5", "ecp5", "xc7"]

"""A whole build mapped to the cells of ``cells.lib``: whose area is counted, and that nothing is done twice."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from flows.asic.area import estimate_area
from flows.asic.mapping import NETLIST
from flows.asic.parts import PARTS
from spec.config import config_for

CELLS = Path(__file__).with_name("cells.lib")


@pytest.mark.slow
def test_area_of_a_build(tmp_path):
    config = config_for(16, x_bytes=1024, t_bytes=1024, mask_bits=8192, entries=64, modes=("1of4",))
    console = Console(file=io.StringIO())
    record = estimate_area(config, 2.0, tmp_path, console, CELLS)
    assert {"host", "requantizer", "PE array", "weight generation", "control"} <= record["parts"].keys() <= set(PARTS)
    assert record["logic_um2"] == pytest.approx(sum(part["um2"] for part in record["parts"].values()))
    assert {name: memory["bits"] for name, memory in record["memories"].items()} == config.memory_bits
    assert record["memory_um2"] == pytest.approx(sum(memory["area_um2"] for memory in record["memories"].values()))
    assert record["clock_ns"] == 2.0
    assert not any(key.endswith("_per_image") for memory in record["memories"].values() for key in memory)

    (netlist,) = tmp_path.glob(f"mapping-*/{NETLIST}")
    made = netlist.stat().st_mtime_ns
    assert estimate_area(config, 2.0, tmp_path, console, CELLS) == record
    assert netlist.stat().st_mtime_ns == made

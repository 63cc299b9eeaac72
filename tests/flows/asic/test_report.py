"""Records of an estimate: they add up, and say what they are."""

import pytest

from flows.asic.library import Library
from flows.asic.mapping import Delay
from flows.asic.memories import Memory
from flows.asic.power import Area, Energy
from flows.asic.report import area_record, area_table, chips_table, energy_record, tops_per_w

LIBRARY = Library("cells", 1.1, {})
MEMORIES = {
    "x": Memory(8192, 1, 100.0, 4000.0, 0.1, 0.25, False), "t": Memory(8192, 1, 100.0, 4000.0, 0.1, 0.5, False),
    "mask": Memory(1024, 1, 10.0, 500.0, 0.1, 0.125, True),
}
ENERGIES = {"PE array": Energy(4e9, 2e9, 1e9), "control": Energy(2e9, 4e9, 1e9)}


def _energy() -> dict:
    return energy_record(
        ENERGIES, MEMORIES, LIBRARY, 2.0, images=2, dense_macs=4e6, useful_macs=1e6, cycles=10.0, cycles_recorded=12.0
    )


def test_energy_of_one_image():
    record = _energy()
    assert record["split_uj_per_image"] == pytest.approx({
        "PE array": 2.0, "control": 1.0, "activations' memory": 0.75, "mask memory": 0.125, "clock": 3.0,
        "leakage of cells": 1.0,
    })
    assert record["total_uj_per_image"] == pytest.approx(7.875)
    assert record["tops_per_w_dense_equivalent"] == pytest.approx(8e6 / 7.875e6)
    assert record["tops_per_w_useful"] == pytest.approx(2e6 / 7.875e6)
    assert record["caveat"].startswith("An estimate before layout: cells at 1.1 V, typical corner, 2.0 ns clock.")


def test_a_watt_is_a_microjoule_for_each_million_operations_of_a_tops():
    assert tops_per_w(0.5e6, 1.0) == pytest.approx(1.0)


def test_area():
    areas = {"PE array": Area(30.0, 10, 12.0, 3), "control": Area(10.0, 5, 8.0, 2)}
    record = area_record(areas, MEMORIES, LIBRARY, "cells.lib", Delay("core", 900.0), 2.0, "0.70")
    assert record["logic_um2"] == 40.0
    assert (record["cells"], record["sequential_cells"]) == (15, 5)
    assert record["sequential_share"] == pytest.approx(0.5)
    assert record["memory_um2"] == 8500.0
    assert list(record["parts"]) == ["PE array", "control"]
    assert (record["longest_path_ps"], record["longest_path_module"]) == (900.0, "core")


def test_every_chip_beside_ours_has_a_node_and_a_source():
    table = chips_table(_energy(), "45 nm")
    assert table.row_count > 2
    assert all(cell for column in table.columns if column.header not in ("", "uJ/image") for cell in column.cells)
    assert list(table.columns[3].cells)[:3] == ["7.88", "7.88", ""]


def test_what_is_beyond_the_published_sizes_is_said():
    record = area_record({"control": Area(10.0, 5, 8.0, 2)}, MEMORIES, LIBRARY, "c.lib", Delay("", 0.0), 2.0, "0.70")
    names = list(area_table(record).columns[0].cells)
    assert names == ["control", "x memory, 8,192 bits", "t memory, 8,192 bits",
                     "mask memory, 1,024 bits, beyond the published sizes"]

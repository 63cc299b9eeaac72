"""What cells cost: the longest name that fits, nothing for the others."""

import pytest

from flows.tools.targets import NAMES, PARTS, TARGETS, target_of
from gen.ecp5_arithmetic import product_dsps
from rtl.lane.requantizer import BIAS_SHIFT, RESIDUAL_SHIFT, WINDOW_SHIFT
from rtl.lane.selector import SELECT_MODULE
from spec.config import config_for

MULTIPLY = [BIAS_SHIFT, RESIDUAL_SHIFT, WINDOW_SHIFT]


@pytest.mark.parametrize(("target", "cell", "cost"), [
    ("ecp5", "LUT4", {"lut": 1}),
    ("ecp5", "PFUMX", {}),
    ("ecp5", "TRELLIS_DPR16X4", {"lut": 6}),
    ("ice40", "SB_DFFESR", {"ff": 1}),
    ("ice40", "SB_CARRY", {}),
    ("xc7", "LUT6", {"lut": 1}),
    ("xc7", "INV", {"lut": 1}),
    ("xc7", "FDRE", {"ff": 1}),
    ("xc7", "RAMB36E1", {"bram": 2}),
    ("xc7", "RAM32M", {"lut": 4}),
    ("xc7", "MUXF7", {}),
])
def test_cost(target, cell, cost):
    assert TARGETS[target].cost(cell) == cost


@pytest.mark.parametrize("target", TARGETS.values())
def test_everything_counted_has_a_capacity(target):
    assert list(target.capacity) == list(NAMES)
    assert {resource for cost in target.cells.values() for resource in cost} == set(NAMES)


@pytest.mark.parametrize("part", PARTS["ecp5"])
def test_a_part_is_the_target_of_another_size(part):
    usual, target = TARGETS["ecp5"], target_of("ecp5", part)
    assert part in target.part
    assert (target.synthesis, target.cells, target.techmap) == (usual.synthesis, usual.cells, usual.techmap)
    assert list(target.capacity) == list(NAMES)
    device = {"12F": "--12k", "25F": "--25k", "45F": "--45k", "85F": "--85k"}[part]
    assert [option for option in target.router.options if option.endswith("k")] == [device]
    assert (target == usual) == (part == "85F")


@pytest.mark.parametrize(("part", "pe", "turns", "multiply"), [
    ("25F", 16, 1, MULTIPLY), ("25F", 64, 4, MULTIPLY), ("25F", 64, 2, [BIAS_SHIFT]), ("25F", 64, 1, []),
    ("85F", 64, 1, MULTIPLY), ("85F", 256, 1, [WINDOW_SHIFT]), ("45F", 256, 1, []), ("45F", 64, 1, [WINDOW_SHIFT]),
])
def test_shifters_are_multipliers_where_there_are_enough(part, pe, turns, multiply):
    """Requantizers take two multipliers each, and up to four for their shifters."""
    config = config_for(pe, rows_per_requantizer=turns)
    target = target_of("ecp5", part).of_build(config)
    assert [module for module in MULTIPLY if f"module {module} " in target.techmap] == multiply
    assert f"module {SELECT_MODULE} " in target.techmap
    takes = {BIAS_SHIFT: 1, RESIDUAL_SHIFT: 1, WINDOW_SHIFT: 2}
    each = product_dsps(config.widths) + sum(map(takes.get, multiply))
    assert config.requantizers * each <= max(32, target.capacity["dsp"])


def test_other_targets_map_no_modules():
    assert TARGETS["xc7"].of_build(config_for(16)) == TARGETS["xc7"]

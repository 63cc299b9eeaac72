"""Area and energy of a netlist of two cells, worked out by hand."""

from pathlib import Path

import pytest

from flows.asic.library import read_library
from flows.asic.power import areas, energies, toggles_by_net
from flows.tools.process import ToolFailed

LIBRARY = read_library(Path(__file__).with_name("cells.lib"))

# A flip-flop of the array drives an inverter of the requantizers, whose output drives the flip-flop.
ARRAY, REQUANTIZER = "core.engine.lane0.array.c0", "core.engine.lane0.requantizers.requantizer1.c0"
MODULE = {
    "cells": {
        ARRAY: {"type": "DFF", "connections": {"D": [3], "CK": [1], "Q": [2]}},
        REQUANTIZER: {"type": "INV", "connections": {"A": [2], "ZN": [3]}},
        "core.engine.sequencer.program.ram": {"type": "foldenite_ram", "connections": {"clk": [1]}},
    },
    "netnames": {
        "aclk": {"bits": [1]},
        "core.engine.lane0.array.n0": {"bits": [2]},
        "core.engine.lane0.requantizers.acc": {"bits": [2]},
        "core.engine.lane0.y": {"bits": ["0", 3]},
    },
}
TOGGLES = {"core.engine.lane0.requantizers.acc": 10, "core.engine.lane0.y[1]": 20, "core.engine.lane0.y[0]": 7}


def test_area():
    found = areas(MODULE, LIBRARY)
    assert set(found) == {"PE array", "requantizer"}
    array, requantizer = found["PE array"], found["requantizer"]
    assert (array.um2, array.cells, array.sequential_um2, array.sequential_cells) == (4.0, 1, 4.0, 1)
    assert (requantizer.um2, requantizer.cells, requantizer.sequential_um2) == (0.5, 1, 0.0)


def test_a_net_has_the_activity_of_any_of_its_names():
    assert toggles_by_net(MODULE, TOGGLES) == {2: 10, 3: 20, "0": 7}


def test_energy():
    found = energies(MODULE, LIBRARY, TOGGLES, cycles=100, clock_ns=2.0)
    array, requantizer = found["PE array"], found["requantizer"]
    # Q into A (1.5 fF) and a wire for one (2 fF), 10 times; D itself takes 3 fJ, 20 times.
    assert array.switching == pytest.approx(10 * (0 + 3.5 / 2) + 20 * 3.0)
    # ZN into D (1 fF) and a wire (2 fF): 1.5 fJ + 0.2 fJ/fF inside, 20 times; A takes nothing.
    assert requantizer.switching == pytest.approx(20 * (1.5 + 0.2 * 3 + 3 / 2))
    # Twice a cycle: 6 fJ inside, and the tree is 1.3 times a pin of 2 fF and a wire of 2 fF.
    assert array.clock == pytest.approx(200 * (6 + 1.3 * 4 / 2))
    assert requantizer.clock == 0
    # 80 nW and 4 nW for 200 ns.
    assert array.leakage == pytest.approx(16.0)
    assert requantizer.leakage == pytest.approx(0.8)


def test_activity_of_another_netlist_fails():
    with pytest.raises(ToolFailed, match="1 of 2 nets have no activity"):
        energies(MODULE, LIBRARY, {"core.engine.lane0.y[1]": 20}, cycles=100, clock_ns=2.0)


def test_a_cell_that_the_library_lacks_fails():
    module = {"cells": {"core.c1": {"type": "$_AND_", "connections": {}}}, "netnames": {}}
    with pytest.raises(ToolFailed, match=r"left the cell core\.c1 of type \$_AND_, which by_hand does not have"):
        areas(module, LIBRARY)

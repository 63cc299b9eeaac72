"""`pytest sim`: the accelerator behind a serial line, simulated by Verilator, driven at the two pins of the line."""

import pytest

from sim.builds import serial_simulation_of
from sim.test_accelerator import run_bench
from spec.config import config_for

DIVIDER = 4  # cycles of a bit: the fewest, for speed
CONFIG = config_for(16, mask_bits=6144)  # memory for the masks of some models and not of others


@pytest.mark.xdist_group("serial")
@pytest.mark.parametrize("tests", [
    ("a_model.*True", "masks", "a_host", "abort", "lamps"),
    pytest.param(("a_model.*False", "noise"), marks=pytest.mark.slow),
], ids=["quick", "slower"])
def test_serial_line(tests):
    simulation = serial_simulation_of(CONFIG, DIVIDER)
    run_bench(simulation, CONFIG, "serial_line", "serial-line", tests=tests, plusargs={"divider": DIVIDER})

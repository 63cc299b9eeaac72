"""Simulations by configuration: one folder each under ``build/verilator``, shared by tests and ``sim.run``."""

import re
from functools import cache

from gen.verilog import accelerator_verilog, serial_verilog
from sim.verilator import SERIAL_WRAPPER, Simulation, View, build_simulation
from spec.config import AcceleratorConfig
from spec.files import build_root

__all__ = ["serial_simulation_of", "simulation_of", "without_initial_values"]

#: ``initial name = 8'h00;``, and of memories one block for all words.
_INITIAL = re.compile(r"^  initial (?:begin\n(?:    .*\n)*?  end|\S+ ? = .*;)\n", re.MULTILINE)


def without_initial_values(verilog: str) -> str:
    """``verilog`` as silicon without power-up state has it: no register or memory starts at a known value."""
    return _INITIAL.sub("", verilog)


@cache
def _verilog(config: AcceleratorConfig, all_names: bool) -> str:
    """Of the same build in the same process: tests ask for a few of them again and again."""
    return accelerator_verilog(config, all_names=all_names)


def simulation_of(
    config: AcceleratorConfig, *, view: View = View.PLAIN, initial_values: bool = True
) -> Simulation:
    """Simulation of the accelerator that ``config`` describes, built unless it is there already. For waveforms every
    signal has all of its names.
    """
    verilog = _verilog(config, all_names=view is View.WAVES)
    name = f"pe{config.pe}-{config.hash:08x}"
    if not initial_values:
        verilog, name = without_initial_values(verilog), f"{name}-unknown"
    return build_simulation(
        verilog, build_root() / "verilator" / name, view=view, acc_bits=config.widths.acc, lanes=config.lanes
    )


def serial_simulation_of(config: AcceleratorConfig, divider: int, *, view: View = View.PLAIN) -> Simulation:
    """Simulation of the accelerator behind a serial line of ``divider`` cycles per bit, built unless it is there."""
    name = f"serial-pe{config.pe}-{config.hash:08x}-{divider}"
    return build_simulation(
        serial_verilog(config, divider), build_root() / "verilator" / name, view=view,
        acc_bits=config.widths.acc, lanes=config.lanes, wrapper=SERIAL_WRAPPER,
    )

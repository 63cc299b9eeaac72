"""Verilog of the accelerator: deterministic, plain Verilog-2005, one file."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Fragment, Value
from amaranth.lib.wiring import Component

from rtl.accelerator import Accelerator
from rtl.base.ram import RAM_MODULE, RAM_VERILOG
from rtl.lane.lane import Lane
from rtl.serial.accelerator import SerialAccelerator
from spec.config import AcceleratorConfig

__all__ = ["LANE_MODULE", "SERIAL_TOP", "TOP", "accelerator_verilog", "serial_verilog", "verilog_of"]

#: Name of the top module.
TOP = "foldenite"

#: Name of the module that has a serial line instead of buses.
SERIAL_TOP = "foldenite_serial"

#: Name of the module that every lane is an instance of.
LANE_MODULE = "foldenite_lane"

#: Passes that turn Amaranth's RTLIL into readable Verilog. Run in a process of its own: Yosys ends the process it
#: runs in when it meets an error.
_YOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in (
    f"read_rtlil {sys.argv[1]}",
    "proc -nomux -norom",
    "memory_collect",
    "attrmap -remove src -remove generator -remove top -remove amaranth.hierarchy -remove amaranth.decoding",
    "attrmap -modattr -remove src -remove generator -remove top -remove amaranth.hierarchy -remove amaranth.decoding",
    f"write_verilog -norename {sys.argv[2]}",
):
    design.run_pass("tee -q " + command)
"""


class _MemoryModules:
    """Platform on which every memory is an instance of :data:`rtl.base.ram.RAM_MODULE`."""

    ram_module = RAM_MODULE


class _LaneModules(_MemoryModules):
    """Platform on which, besides, every lane is an instance of :data:`LANE_MODULE`: a tool reads it once."""

    lane_module = LANE_MODULE


def accelerator_verilog(config: AcceleratorConfig) -> str:
    """Verilog text of the accelerator that ``config`` describes: the modules :data:`TOP` and :data:`LANE_MODULE` with
    their parts, and the memory model.

    Same configuration, same text.

    Raises
    ------
    RuntimeError
        If Yosys fails, with what it said.
    """
    return _design(Accelerator(config), TOP, config)


def serial_verilog(config: AcceleratorConfig, divider: int) -> str:
    """Verilog text of :class:`rtl.serial.accelerator.SerialAccelerator`, as :func:`accelerator_verilog` has it: module
    :data:`SERIAL_TOP`, with its members and ``clk`` and ``rst`` (synchronous, high to reset) as ports.
    """
    return _design(SerialAccelerator(config, divider), SERIAL_TOP, config)


def _design(component: Component, name: str, config: AcceleratorConfig) -> str:
    streamed = rtlil.convert(component, name=name, platform=_LaneModules(), emit_src=False), _lane(config)
    title = f"// Foldenite, configuration {config.hash:08x}: {config.pe} PEs. Generated; do not edit."
    return "\n".join([f"{title}\n", *(verilog_of(placed) for placed in streamed), RAM_VERILOG])


def _lane(config: AcceleratorConfig) -> str:
    """RTLIL of a lane. It has a clock and no reset."""
    lane = Lane(config)
    fragment, domain = Fragment.get(lane, _MemoryModules()), ClockDomain("sync", reset_less=True)
    fragment.add_domains(domain)
    ports = [domain.clk, *(Value.cast(value) for _, _, value in lane.signature.flatten(lane))]
    return rtlil.convert(fragment, name=LANE_MODULE, ports=ports, emit_src=False)


def verilog_of(text: str) -> str:
    """Verilog of RTLIL, without the line that names the version of Yosys."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "design.il"), Path(folder, "design.v")
        source.write_text(text)
        result = subprocess.run(
            [sys.executable, "-c", _YOSYS, source.name, target.name],
            cwd=folder, capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": "0"}, check=False,
        )
        if result.returncode or not target.is_file():
            raise RuntimeError(f"Yosys could not write the Verilog: {(result.stdout + result.stderr)[-2000:]}")
        body = target.read_text()
    header, _, rest = body.partition("\n")
    if not header.startswith("/*"):
        rest = body
    return rest

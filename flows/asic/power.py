"""Area and energy of a netlist of standard cells, by part, from how often each of its nets changed."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from flows.asic.library import Cell, Library
from flows.asic.parts import part_of
from flows.tools.process import ToolFailed
from rtl.base.ram import RAM_MODULE

__all__ = ["CLOCK_TREE", "Area", "Energy", "areas", "energies", "toggles_by_net"]

#: The clock's wires and buffers, as a share of the capacitance of the pins they reach: an assumption.
CLOCK_TREE = 0.3

#: Largest share of driven nets that may lack activity; constants and what nothing reads do.
_UNKNOWN = 0.02


@dataclass
class Area:
    """Cells of one part."""

    um2: float = 0.0
    cells: int = 0
    sequential_um2: float = 0.0
    sequential_cells: int = 0


@dataclass
class Energy:
    """Energy of one part in fJ: in its cells and on the nets that they drive; by clock pins and tree; leakage."""

    switching: float = 0.0
    clock: float = 0.0
    leakage: float = 0.0


@dataclass
class Net:
    """What reads a net: how many pins, and their capacitance."""

    readers: int = 0
    capacitance_ff: float = 0.0


def _cells(module: dict, library: Library) -> list[tuple[str, Cell, dict]]:
    """Name, cell and connections of every standard cell; memories are none."""
    found = []
    for name, cell in module["cells"].items():
        if RAM_MODULE in cell["type"]:
            continue
        if cell["type"] not in library.cells:
            raise ToolFailed(f"Yosys left the cell {name} of type {cell['type']}, which {library.name} does not have")
        found.append((name, library.cells[cell["type"]], cell["connections"]))
    return found


def areas(module: dict, library: Library) -> dict[str, Area]:
    """Area by part of a flattened module of a Yosys netlist."""
    found: dict[str, Area] = defaultdict(Area)
    for name, cell, _ in _cells(module, library):
        area = found[part_of(name)]
        area.um2 += cell.area_um2
        area.cells += 1
        if cell.sequential:
            area.sequential_um2 += cell.area_um2
            area.sequential_cells += 1
    return dict(found)


def toggles_by_net(module: dict, toggles: Mapping[str, int]) -> dict[int, int]:
    """Transitions of every net of a flattened module that the simulation shows under any of its names."""
    found = {}
    for name, net in module["netnames"].items():
        for index, bit in enumerate(net["bits"]):
            names = (f"{name}[{index}]", name) if len(net["bits"]) == 1 else (f"{name}[{index}]",)
            for candidate in names:
                if bit not in found and candidate in toggles:
                    found[bit] = toggles[candidate]
    return found


def energies(
    module: dict, library: Library, toggles: Mapping[str, int], cycles: int, clock_ns: float
) -> dict[str, Energy]:
    """Energy by part over ``cycles`` cycles, in which the nets changed ``toggles`` times.

    A transition of an output costs the cell's internal energy into its load and ``C*V^2/2``, where ``C`` is the pins
    that read the net and the library's wire for so many; one of an input, the cell's internal energy of that pin. The
    clock changes twice a cycle at every clock pin, and its tree has :data:`CLOCK_TREE` more capacitance than the pins
    and a wire each. Leakage is that of the mean state.

    Raises
    ------
    ToolFailed
        If too many nets are not in ``toggles``: then the simulation was of another netlist.
    """
    cells = _cells(module, library)
    changed = toggles_by_net(module, toggles)
    nets: dict[object, Net] = defaultdict(Net)
    driven = []
    for _, cell, connections in cells:
        for name, bits in connections.items():
            pin = cell.pins[name]
            if pin.output:
                driven += bits
            else:
                nets[bits[0]].readers += 1
                nets[bits[0]].capacitance_ff += pin.capacitance_ff
    known = [bit for bit in driven if bit in nets]
    unknown = sum(bit not in changed for bit in known)
    if unknown > _UNKNOWN * len(known):
        raise ToolFailed(f"{unknown} of {len(known)} nets have no activity: the simulation was of another netlist")

    squared = library.volts**2
    found: dict[str, Energy] = defaultdict(Energy)
    for name, cell, connections in cells:
        energy = found[part_of(name)]
        energy.leakage += cell.leakage_nw * cycles * clock_ns * 1e-3  # nW ns = 1e-3 fJ
        for pin_name, bits in connections.items():
            pin, bit = cell.pins[pin_name], bits[0]
            if pin.clock:
                tree = (1 + CLOCK_TREE) * (pin.capacitance_ff + library.wire_ff(1))
                energy.clock += 2 * cycles * (pin.energy_fj() + tree * squared / 2)
            elif pin.output and bit in nets:
                net = nets[bit]
                load = net.capacitance_ff + library.wire_ff(net.readers)
                energy.switching += changed.get(bit, 0) * (pin.energy_fj(load) + load * squared / 2)
            elif not pin.output:
                energy.switching += changed.get(bit, 0) * pin.energy_fj()
    return dict(found)

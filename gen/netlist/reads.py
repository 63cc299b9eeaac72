"""What is read: bits of a module that a cell or an output port needs, kept until the module changes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from typing import NamedTuple

from pyosys import libyosys as ys

from gen.netlist.signals import chunks_of

__all__ = ["Bits", "Link", "Netlist", "add", "found_in", "links_of", "reads_of"]

#: Bits of a module: by name of a wire, a 1 for each of its bits that is meant.
Bits = dict[str, int]

_Chunks = list[tuple[str | None, int, int]]


class Link(NamedTuple):
    """A connection of a cell: the cell and its type, the port, the signal in chunks, and whether the cell is one of
    Yosys's own and drives it.
    """

    cell: ys.Cell
    kind: str
    port: ys.IdString
    chunks: _Chunks
    is_result: bool


def links_of(module: ys.Module) -> list[Link]:
    """Every connection of every cell of ``module``."""
    links = []
    for name in list(module.cells_):
        cell = module.cell(name)
        kind = cell.type.str()
        known = kind.startswith("$")
        for port, signal in cell.connections().items():
            links.append(Link(cell, kind, port, chunks_of(signal), known and cell.output(port)))
    return links


def add(found: Bits, chunks: _Chunks, which: int = -1) -> None:
    """Add the bits of a signal for which there is a 1 in ``which``."""
    place = 0
    for name, offset, width in chunks:
        if name is not None:
            found[name] = found.get(name, 0) | (which >> place & (1 << width) - 1) << offset
        place += width


def found_in(bits: Bits, chunks: _Chunks) -> int:
    """A 1 for each bit of a signal that is among ``bits``."""
    found = place = 0
    for name, offset, width in chunks:
        found |= (bits.get(name, 0) >> offset & (1 << width) - 1) << place
        place += width
    return found


def reads_of(module: ys.Module, links: Iterable[Link], inner: Mapping[str, Bits]) -> Bits:
    """Bits that a cell reads, that an output port gives out, or that a connection makes one of these. An instance of a
    module in ``inner`` reads at its ports what is there; a cell that is neither that nor Yosys's may read whatever it
    is connected to.
    """
    found: Bits = {}
    for _, kind, port, chunks, is_result in links:
        if kind in inner:
            which = inner[kind].get(port.str(), 0)
            if which:
                add(found, chunks, which)
        elif not is_result:
            add(found, chunks)
    for name in module.ports:
        wire = module.wire(name)
        if wire.port_output:
            found[name.str()] = (1 << wire.width) - 1
    pairs = [(chunks_of(target), chunks_of(source)) for target, source in module.connections()]
    before = None
    while found != before:  # what is connected to what is read, over any number of connections
        before = dict(found)
        for target, source in pairs:
            add(found, source, found_in(found, target))
    return found


class Netlist:
    """The modules of ``design``, by name, and what is connected and read in each. That is found out when somebody asks,
    and again after :meth:`changed`.
    """

    def __init__(self, design: ys.Design):
        self.modules: dict[str, ys.Module] = {name.str(): design.module(name) for name in design.modules_}
        self._links: dict[str, list[Link]] = {}
        self._reads: dict[str, Bits] = {}
        self._inputs: dict[str, Bits] = {}
        self.parents: dict[str, list[str]] = defaultdict(list)  #: Names of modules with instances of one.
        inner = {name: self._kinds(name) for name in self.modules}
        for name, kinds in inner.items():
            for kind in kinds:
                self.parents[kind].append(name)
        self._innermost_first = list(TopologicalSorter(inner).static_order())

    def links(self, name: str) -> list[Link]:
        """Connections of the cells of module ``name``."""
        if name not in self._links:
            self._links[name] = links_of(self.modules[name])
        return self._links[name]

    def changed(self, name: str) -> None:
        """Module ``name`` is not what it was."""
        self._links.pop(name, None)
        self._reads.pop(name, None)

    def reads(self) -> dict[str, Bits]:
        """By module, the bits that are read in it, where an instance reads what is read inside."""
        for name in self._innermost_first:
            if name not in self._reads:
                module = self.modules[name]
                found = self._reads[name] = reads_of(module, self.links(name), self._inputs)
                inputs = {port.str(): found.get(port.str(), 0) for port in module.ports if module.wire(port).port_input}
                if inputs != self._inputs.get(name):
                    self._inputs[name] = inputs
                    for parent in self.parents.get(name, ()):
                        self._reads.pop(parent, None)
        return self._reads

    def _kinds(self, name: str) -> set[str]:
        return {link.kind for link in self.links(name)} & self.modules.keys()

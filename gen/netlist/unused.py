"""Bits that nobody reads: ports lose them, and what an operation leaves over is called unused."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter

from pyosys import libyosys as ys

from gen.netlist.signals import A, B, Y, bits_of, chunks_of, fresh, signal_of

__all__ = ["name_unused", "narrow", "trim_ports"]

_INIT, _RESET_VALUE, _WIDTH = (ys.IdString(f"\\{name}") for name in ("init", "SRST_VALUE", "WIDTH"))

#: Cells whose bits have nothing to do with each other, and their ports of many bits, that of the result last.
_SLICED = {f"${kind}": (ys.IdString("\\D"), ys.IdString("\\Q")) for kind in ("dff", "dffe", "sdff", "sdffe", "sdffce")}
_SLICED["$mux"] = (A, B, Y)

#: Bits of a module: by name of a wire, a 1 for each of its bits that is meant.
_Bits = dict[str, int]


def trim_ports(design: ys.Design) -> bool:
    """Cut the ports of every module of ``design`` that has an instance to the bits that are read: of an input inside
    the module, of an output around some instance. Returns whether there were others.
    """
    modules = {name.str(): design.module(name) for name in design.modules_}
    reads: dict[str, _Bits] = {}
    for name in _innermost_first(modules):
        reads[name] = _reads(modules[name], modules, reads)
    outside: dict[str, _Bits] = defaultdict(lambda: defaultdict(int))
    for name, module in modules.items():
        for cell, port, signal in _ports(module):
            kind = cell.type.str()
            if kind in modules:
                outside[kind][port.str()] |= _found_in(reads[name], signal)
    trimmed = [_trim(name, modules, reads[name], read) for name, read in sorted(outside.items())]
    return any(trimmed)


def narrow(module: ys.Module) -> bool:
    """Leave out of registers and choices between signals the bits that nobody reads. Returns whether there were any, so
    that what they were made from may be left out, too.
    """
    read, found = _reads(module, {}, {}), False
    for cell in _cells(module):
        ports = _SLICED.get(cell.type.str())
        if ports is not None:
            width = cell.getPort(ports[-1]).size()
            which = _found_in(read, cell.getPort(ports[-1]))
            kept = [i for i in range(width) if which >> i & 1]
            if 0 < len(kept) < width:
                _slice(cell, ports, kept)
                found = True
    return found


def name_unused(module: ys.Module) -> None:
    """Cut every signal inside ``module`` to the bits that are read, and give those that are driven all the same a name
    that says that they are not: a sum of which only some bits matter is ``{sum, unused} = a + b``.
    """
    read = _reads(module, {}, {})
    cuts = {}
    for name in module.wires_:
        wire = module.wire(name)
        if not wire.port_id:
            _note_cut(cuts, wire, read.get(name.str(), 0))
    _cut(module, cuts)


def _cells(module: ys.Module) -> list[ys.Cell]:
    return [module.cell(name) for name in list(module.cells_)]


def _ports(module: ys.Module) -> Iterator[tuple[ys.Cell, ys.IdString, ys.SigSpec]]:
    """Every connection of every cell."""
    for cell in _cells(module):
        for port, signal in cell.connections().items():
            yield cell, port, signal


def _innermost_first(modules: dict[str, ys.Module]) -> Iterable[str]:
    """Names of the modules, each behind those that it has instances of."""
    inner = {name: {cell.type.str() for cell in _cells(module)} & set(modules) for name, module in modules.items()}
    return TopologicalSorter(inner).static_order()


def _slice(cell: ys.Cell, ports: tuple[ys.IdString, ...], kept: list[int]) -> None:
    for port in ports:
        bits = bits_of(cell.getPort(port))
        cell.setPort(port, signal_of(bits[i] for i in kept))
    cell.setParam(_WIDTH, ys.Const(len(kept), 32))
    if cell.hasParam(_RESET_VALUE):
        cell.setParam(_RESET_VALUE, _chosen(cell.getParam(_RESET_VALUE), kept))


def _add(found: _Bits, signal: ys.SigSpec, which: int = -1) -> None:
    """Add the bits of ``signal`` for which there is a 1 in ``which``."""
    place = 0
    for name, offset, width in chunks_of(signal):
        if name is not None:
            found[name] = found.get(name, 0) | (which >> place & (1 << width) - 1) << offset
        place += width


def _found_in(bits: _Bits, signal: ys.SigSpec) -> int:
    """A 1 for each bit of ``signal`` that is among ``bits``."""
    found = place = 0
    for name, offset, width in chunks_of(signal):
        found |= (bits.get(name, 0) >> offset & (1 << width) - 1) << place
        place += width
    return found


def _reads(module: ys.Module, modules: dict[str, ys.Module], inner: dict[str, _Bits]) -> _Bits:
    """Bits that a cell reads, that an output port gives out, or that a connection makes one of these. An instance of
    one of ``modules`` reads what is in ``inner``; a cell that is neither that nor Yosys's may read whatever it is
    connected to.
    """
    found: _Bits = {}
    for cell, port, signal in _ports(module):
        kind = cell.type.str()
        if kind in modules:
            if modules[kind].wire(port).port_input:
                _add(found, signal, inner[kind].get(port.str(), 0))
        elif not (kind.startswith("$") and cell.output(port)):
            _add(found, signal)
    for name in module.ports:
        wire = module.wire(name)
        if wire.port_output:
            found[name.str()] = (1 << wire.width) - 1
    before = None
    while found != before:  # what is connected to what is read, over any number of connections
        before = dict(found)
        for target, source in module.connections():
            _add(found, source, _found_in(found, target))
    return found


def _trim(name: str, modules: dict[str, ys.Module], inside: _Bits, outside: _Bits) -> bool:
    module, cuts = modules[name], {}
    for port in module.ports:
        wire = module.wire(port)
        _note_cut(cuts, wire, (inside if wire.port_input else outside).get(port.str(), 0))
    if not cuts:
        return False
    _cut(module, cuts)
    module.fixup_ports()
    for parent in modules.values():
        for cell in _cells(parent):
            if cell.type.str() == name:
                _reconnect(cell, cuts)
    return True


def _reconnect(cell: ys.Cell, cuts: dict[str, list[int]]) -> None:
    for name, kept in cuts.items():
        port = ys.IdString(name)
        if cell.hasPort(port):
            bits = bits_of(cell.getPort(port))
            cell.unsetPort(port)
            if kept:
                cell.setPort(port, signal_of(bits[i] for i in kept if i < len(bits)))


def _note_cut(cuts: dict[str, list[int]], wire: ys.Wire, read: int) -> None:
    """Note the bits of ``wire`` to keep, unless that is all."""
    if read != (1 << wire.width) - 1:
        cuts[wire.name.str()] = [i for i in range(wire.width) if read >> i & 1]


def _cut(module: ys.Module, cuts: dict[str, list[int]]) -> None:
    """Replace wires by such as have only some of their bits. What drives the others drives an unused signal instead."""
    driven: _Bits = {}
    for _, _, signal in _ports(module):
        _add(driven, signal)
    places: dict[str, dict[int, ys.SigBit]] = {}
    old = []
    for name, kept in cuts.items():
        wire = module.wire(ys.IdString(name))
        old.append(wire)
        module.rename(wire, ys.IdString(f"$cut{name}"))
        places[wire.name.str()] = found = {}
        dropped = [i for i in range(wire.width) if driven.get(name, 0) >> i & 1 and i not in set(kept)]
        if kept:
            new = module.addWire(ys.IdString(name), len(kept))
            new.port_id, new.port_input, new.port_output = wire.port_id, wire.port_input, wire.port_output
            found |= _placed(wire, new, kept)
        if dropped:
            rest = "unused" if name.startswith(("$", "\\$")) else f"{name[1:]}_unused"
            found |= _placed(wire, fresh(module, rest, len(dropped)), dropped)
    if old:
        _move(module, places)
        module.remove(ys.WirePtrPool(old))


def _placed(wire: ys.Wire, new: ys.Wire, bits: list[int]) -> dict[int, ys.SigBit]:
    """Where ``bits`` of ``wire`` are in ``new``, which begins as they do."""
    if _INIT in wire.attributes:
        attributes = new.attributes  # a copy
        attributes[_INIT] = _chosen(wire.attributes[_INIT], bits)
        new.attributes = attributes
    return {bit: ys.SigBit(new, place) for place, bit in enumerate(bits)}


def _chosen(constant: ys.Const, bits: list[int]) -> ys.Const:
    """Those bits of a constant."""
    digits = constant.as_string()[::-1]
    return ys.Const.from_string("".join(digits[bit] for bit in reversed(bits)))


def _move(module: ys.Module, places: dict[str, dict[int, ys.SigBit]]) -> None:
    """Put other bits in the places of those that have moved; to those that have no new place nothing is assigned."""
    def place_of(bit: ys.SigBit) -> ys.SigBit | None:
        found = places.get(bit.wire.name.str()) if bit.is_wire() else None
        return bit if found is None else found.get(bit.offset)

    def has_moved(signal: ys.SigSpec) -> bool:
        return any(name in places for name, _, _ in chunks_of(signal))

    def moved(bits: Iterable[ys.SigBit]) -> ys.SigSpec:
        return signal_of(map(place_of, bits))

    for cell, port, signal in list(_ports(module)):
        if has_moved(signal):
            cell.setPort(port, moved(bits_of(signal)))
    connections = [(bits_of(target), bits_of(source)) for target, source in module.connections()]
    module.new_connections(ys.SigsigVector())
    for pairs in connections:
        kept = [pair for pair in zip(*pairs, strict=True) if place_of(pair[0]) is not None]
        if kept:
            targets, sources = zip(*kept, strict=True)
            module.connect(moved(targets), moved(sources))

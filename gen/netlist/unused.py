"""Bits that nobody reads: ports lose them, and what an operation leaves over is called unused."""

from collections.abc import Iterable, Iterator

from pyosys import libyosys as ys

from gen.netlist.signals import bits_of, fresh, signal_of

__all__ = ["name_unused", "trim_ports"]

_INIT = ys.IdString("\\init")

#: A bit of a module: name of its wire, and its place there.
_Bit = tuple[str, int]


def trim_ports(design: ys.Design) -> bool:
    """Cut the ports of every module of ``design`` that has an instance to the bits that are read: of an input inside
    the module, of an output around some instance. Returns whether there were others.
    """
    modules = {name.str(): design.module(name) for name in design.modules_}
    reads = {name: _reads(module, modules) for name, module in modules.items()}
    outside: dict[str, set[_Bit]] = {name: set() for name in modules}
    for name, module in modules.items():
        for cell, port, signal in _ports(module):
            kind = cell.type.str()
            if kind in modules and modules[kind].wire(port).port_output:
                read = reads[name]
                outside[kind] |= {
                    (port.str(), i) for i, bit in enumerate(bits_of(signal)) if _key(bit) in read
                }
    inner = {cell.type.str() for module in modules.values() for cell in _cells(module)} & set(modules)
    trimmed = [_trim(name, modules[name], modules, reads[name], outside[name]) for name in sorted(inner)]
    return any(trimmed)


def name_unused(module: ys.Module) -> None:
    """Cut every signal inside ``module`` to the bits that are read, and give those that are driven all the same a name
    that says that they are not: a sum of which only some bits matter is ``{sum, unused} = a + b``.
    """
    read = _reads(module, {})
    cuts = {}
    for name in module.wires_:
        wire = module.wire(name)
        kept = [i for i in range(wire.width) if (name.str(), i) in read]
        if not wire.port_id and len(kept) < wire.width:
            cuts[name.str()] = kept
    _cut(module, cuts)


def _cells(module: ys.Module) -> list[ys.Cell]:
    return [module.cell(name) for name in list(module.cells_)]


def _ports(module: ys.Module) -> Iterator[tuple[ys.Cell, ys.IdString, ys.SigSpec]]:
    """Every connection of every cell."""
    for cell in _cells(module):
        for port, signal in cell.connections().items():
            yield cell, port, signal


def _key(bit: ys.SigBit) -> _Bit | None:
    return (bit.wire.name.str(), bit.offset) if bit.is_wire() else None


def _reads(module: ys.Module, modules: dict[str, ys.Module]) -> set[_Bit | None]:
    """Bits that a cell or a connection reads, or an output port gives out. A cell that is neither Yosys's nor one of
    ``modules`` may read whatever it is connected to.
    """
    found: set[_Bit | None] = set()
    for cell, port, signal in _ports(module):
        kind = cell.type.str()
        inner = modules[kind].wire(port) if kind in modules else None
        driven = inner.port_output if inner is not None else kind.startswith("$") and cell.output(port)
        if not driven:
            found.update(map(_key, bits_of(signal)))
    for _, source in module.connections():
        found.update(map(_key, bits_of(source)))
    for name in module.ports:
        wire = module.wire(name)
        if wire.port_output:
            found.update((name.str(), i) for i in range(wire.width))
    return found


def _trim(
    name: str, module: ys.Module, modules: dict[str, ys.Module], inside: set[_Bit | None], outside: set[_Bit]
) -> bool:
    cuts = {}
    for port in module.ports:
        wire = module.wire(port)
        read = inside if wire.port_input else outside
        kept = [i for i in range(wire.width) if (port.str(), i) in read]
        if len(kept) < wire.width:
            cuts[port.str()] = kept
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
                cell.setPort(port, signal_of(bits[i] for i in kept))


def _cut(module: ys.Module, cuts: dict[str, list[int]]) -> None:
    """Replace wires by such as have only some of their bits. What drives the others drives an unused signal instead."""
    driven = {_key(bit) for _, _, signal in _ports(module) for bit in bits_of(signal)}
    places: dict[_Bit, ys.SigBit] = {}
    old = []
    for name, kept in cuts.items():
        wire = module.wire(ys.IdString(name))
        old.append(wire)
        module.rename(wire, ys.IdString(f"$cut{name}"))
        dropped = [i for i in range(wire.width) if i not in set(kept) and (name, i) in driven]
        if kept:
            new = module.addWire(ys.IdString(name), len(kept))
            new.port_id, new.port_input, new.port_output = wire.port_id, wire.port_input, wire.port_output
            places |= _placed(wire, new, kept)
        if dropped:
            rest = "unused" if name.startswith(("$", "\\$")) else f"{name[1:]}_unused"
            places |= _placed(wire, fresh(module, rest, len(dropped)), dropped)
    _move(module, places, {f"$cut{name}" for name in cuts})
    module.remove(ys.WirePtrPool(old))


def _placed(wire: ys.Wire, new: ys.Wire, bits: list[int]) -> dict[_Bit, ys.SigBit]:
    """Where ``bits`` of ``wire`` are in ``new``, which begins as they do."""
    if _INIT in wire.attributes:
        init = wire.attributes[_INIT].as_string()[::-1]
        new.attributes[_INIT] = ys.Const.from_string("".join(init[bit] for bit in reversed(bits)))
    return {(wire.name.str(), bit): ys.SigBit(new, place) for place, bit in enumerate(bits)}


def _move(module: ys.Module, places: dict[_Bit, ys.SigBit], gone: set[str]) -> None:
    """Put other bits in the places of those that have moved; assign nothing to those of the wires ``gone`` that have
    not.
    """
    def moved(bits: Iterable[ys.SigBit]) -> ys.SigSpec:
        return signal_of(places.get(_key(bit), bit) for bit in bits)

    for cell, port, signal in list(_ports(module)):
        bits = bits_of(signal)
        if any(_key(bit) in places for bit in bits):
            cell.setPort(port, moved(bits))
    connections = [
        [
            (target, source) for target, source in zip(bits_of(targets), bits_of(sources), strict=True)
            if _key(target) in places or not target.is_wire() or target.wire.name.str() not in gone
        ]
        for targets, sources in module.connections()
    ]
    module.new_connections(ys.SigsigVector())
    for pairs in filter(None, connections):
        targets, sources = zip(*pairs, strict=True)
        module.connect(moved(targets), moved(sources))

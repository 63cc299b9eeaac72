"""Signals that lose bits: the others keep their name, and what drives those that go drives an unused signal."""

from collections.abc import Iterable

from pyosys import libyosys as ys

from gen.netlist.reads import Bits, Link, add, links_of, reads_of
from gen.netlist.signals import bits_of, fresh, signal_of

__all__ = ["chosen", "cut", "name_unused", "note_cut"]

_INIT = ys.IdString("\\init")


def name_unused(module: ys.Module) -> None:
    """Cut every signal inside ``module`` to the bits that are read, and give those that are driven all the same a name
    that says that they are not: a sum of which only some bits matter is ``{sum, unused} = a + b``.
    """
    links = links_of(module)
    read = reads_of(module, links, {})
    cuts: dict[str, list[int]] = {}
    for name in module.wires_:
        wire = module.wire(name)
        if not wire.port_id:
            note_cut(cuts, wire, read.get(name.str(), 0))
    cut(module, links, cuts)


def note_cut(cuts: dict[str, list[int]], wire: ys.Wire, read: int) -> None:
    """Note the bits of ``wire`` to keep, unless that is all."""
    if read != (1 << wire.width) - 1:
        cuts[wire.name.str()] = [i for i in range(wire.width) if read >> i & 1]


def cut(module: ys.Module, links: list[Link], cuts: dict[str, list[int]]) -> None:
    """Replace wires of ``module``, whose connections are ``links``, by such as have only some of their bits. What
    drives the others drives an unused signal instead.
    """
    if not cuts:
        return
    driven: Bits = {}
    for link in links:
        add(driven, link.chunks)
    places: dict[str, dict[int, ys.SigBit]] = {}
    old = []
    for name, kept in cuts.items():
        wire = module.wire(ys.IdString(name))
        old.append(wire)
        module.rename(wire, ys.IdString(f"$cut{name}"))
        places[wire.name.str()] = found = {}
        keeps = set(kept)
        dropped = [i for i in range(wire.width) if driven.get(name, 0) >> i & 1 and i not in keeps]
        if kept:
            new = module.addWire(ys.IdString(name), len(kept))
            new.port_id, new.port_input, new.port_output = wire.port_id, wire.port_input, wire.port_output
            found |= _placed(wire, new, kept)
        if dropped:
            rest = "unused" if name.startswith(("$", "\\$")) else f"{name[1:]}_unused"
            found |= _placed(wire, fresh(module, rest, len(dropped)), dropped)
    _move(module, [link for link in links if any(name in cuts for name, _, _ in link.chunks)], places)
    module.remove(ys.WirePtrPool(old))


def chosen(constant: ys.Const, bits: list[int]) -> ys.Const:
    """Those bits of a constant."""
    digits = constant.as_string()[::-1]
    return ys.Const.from_string("".join(digits[bit] for bit in reversed(bits)))


def _placed(wire: ys.Wire, new: ys.Wire, bits: list[int]) -> dict[int, ys.SigBit]:
    """Where ``bits`` of ``wire`` are in ``new``, which begins as they do."""
    if _INIT in wire.attributes:
        attributes = new.attributes  # a copy
        attributes[_INIT] = chosen(wire.attributes[_INIT], bits)
        new.attributes = attributes
    return {bit: ys.SigBit(new, place) for place, bit in enumerate(bits)}


def _move(module: ys.Module, links: list[Link], places: dict[str, dict[int, ys.SigBit]]) -> None:
    """Put other bits in the places of those that have moved, at ``links`` and in connections; to those that have no new
    place nothing is assigned.
    """
    def place_of(bit: ys.SigBit) -> ys.SigBit | None:
        found = places.get(bit.wire.name.str()) if bit.is_wire() else None
        return bit if found is None else found.get(bit.offset)

    def moved(bits: Iterable[ys.SigBit]) -> ys.SigSpec:
        return signal_of(map(place_of, bits))

    for link in links:
        link.cell.setPort(link.port, moved(bits_of(link.cell.getPort(link.port))))
    connections = [(bits_of(target), bits_of(source)) for target, source in module.connections()]
    module.new_connections(ys.SigsigVector())
    for pairs in connections:
        kept = [pair for pair in zip(*pairs, strict=True) if place_of(pair[0]) is not None]
        if kept:
            targets, sources = zip(*kept, strict=True)
            module.connect(moved(targets), moved(sources))

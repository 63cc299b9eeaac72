"""Ports that lose the bits that nobody reads."""

from collections import defaultdict

from pyosys import libyosys as ys

from gen.netlist.cut import cut, note_cut
from gen.netlist.reads import Bits, Netlist, found_in
from gen.netlist.signals import bits_of, signal_of

__all__ = ["trim_ports"]


def trim_ports(netlist: Netlist) -> set[str]:
    """Cut the ports of every module that has an instance to the bits that are read: of an input inside the module, of
    an output around some instance. Returns the names of the modules that changed, around instances as well.
    """
    reads = netlist.reads()
    outside: dict[str, Bits] = defaultdict(lambda: defaultdict(int))
    instances: dict[str, dict[str, list[ys.Cell]]] = defaultdict(lambda: defaultdict(list))
    for name in {parent for parents in netlist.parents.values() for parent in parents}:
        for cell, kind, port, chunks, _ in netlist.links(name):
            if kind in netlist.modules:
                outside[kind][port.str()] |= found_in(reads[name], chunks)
                if cell not in instances[kind][name]:
                    instances[kind][name].append(cell)
    return set().union(*(
        _trim(netlist, name, (reads[name], read), instances[name]) for name, read in sorted(outside.items())
    ))


def _trim(netlist: Netlist, name: str, read: tuple[Bits, Bits], instances: dict[str, list[ys.Cell]]) -> set[str]:
    """Cut the ports of one module to what is ``read`` inside and outside."""
    module, cuts = netlist.modules[name], {}
    inside, outside = read
    for port in module.ports:
        wire = module.wire(port)
        note_cut(cuts, wire, (inside if wire.port_input else outside).get(port.str(), 0))
    if not cuts:
        return set()
    cut(module, netlist.links(name), cuts)
    module.fixup_ports()
    for cells in instances.values():
        for cell in cells:
            _reconnect(cell, cuts)
    changed = {name, *instances}
    for one in changed:
        netlist.changed(one)
    return changed


def _reconnect(cell: ys.Cell, cuts: dict[str, list[int]]) -> None:
    for name, kept in cuts.items():
        port = ys.IdString(name)
        if cell.hasPort(port):
            bits = bits_of(cell.getPort(port))
            cell.unsetPort(port)
            if kept:
                cell.setPort(port, signal_of(bits[i] for i in kept if i < len(bits)))

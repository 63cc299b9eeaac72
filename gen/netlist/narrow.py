"""Registers and choices between signals, as narrow as what is read of them."""

from pyosys import libyosys as ys

from gen.netlist.cut import chosen
from gen.netlist.reads import Link, found_in, reads_of
from gen.netlist.signals import A, B, Y, bits_of, signal_of

__all__ = ["narrow"]

_RESET_VALUE, _WIDTH = (ys.IdString(f"\\{name}") for name in ("SRST_VALUE", "WIDTH"))

#: Cells whose bits have nothing to do with each other, and their ports of many bits, that of the result last.
_SLICED = {f"${kind}": (ys.IdString("\\D"), ys.IdString("\\Q")) for kind in ("dff", "dffe", "sdff", "sdffe", "sdffce")}
_SLICED["$mux"] = (A, B, Y)


def narrow(module: ys.Module, links: list[Link]) -> bool:
    """Leave out of registers and choices between signals of ``module``, whose connections are ``links``, the bits that
    nobody reads. Returns whether there were any, so that what they were made from may be left out, too.
    """
    read, found = reads_of(module, links, {}), False
    for link in links:
        ports = _SLICED.get(link.kind)
        if ports is not None and link.port == ports[-1]:
            width = link.cell.getPort(link.port).size()
            which = found_in(read, link.chunks)
            kept = [i for i in range(width) if which >> i & 1]
            if 0 < len(kept) < width:
                _slice(link.cell, ports, kept)
                found = True
    return found


def _slice(cell: ys.Cell, ports: tuple[ys.IdString, ...], kept: list[int]) -> None:
    for port in ports:
        bits = bits_of(cell.getPort(port))
        cell.setPort(port, signal_of(bits[i] for i in kept))
    cell.setParam(_WIDTH, ys.Const(len(kept), 32))
    if cell.hasParam(_RESET_VALUE):
        cell.setParam(_RESET_VALUE, chosen(cell.getParam(_RESET_VALUE), kept))

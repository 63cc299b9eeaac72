"""Names and small constructions that every pass over a netlist needs."""

from collections.abc import Iterable

from pyosys import libyosys as ys

__all__ = [
    "A_SIGNED", "A_WIDTH", "B_SIGNED", "B_WIDTH", "Y_WIDTH", "A", "B", "Y", "bits_of", "chunks_of", "fresh", "one_of",
    "signal_of", "zeros",
]

A, B, Y = (ys.IdString(f"\\{name}") for name in "ABY")
A_WIDTH, B_WIDTH, Y_WIDTH = (ys.IdString(f"\\{name}_WIDTH") for name in "ABY")
A_SIGNED, B_SIGNED = (ys.IdString(f"\\{name}_SIGNED") for name in "AB")


def one_of(*names: str) -> frozenset[ys.IdString]:
    """Types of cells, of Yosys's own, by name."""
    return frozenset(ys.IdString(f"${name}") for name in names)


def zeros(width: int) -> ys.SigSpec:
    """The number 0."""
    return ys.SigSpec(ys.Const(0, width))


def bits_of(signal: ys.SigSpec) -> list[ys.SigBit]:
    """Its bits, the lowest first."""
    return list(signal.to_sigbit_vector())


def chunks_of(signal: ys.SigSpec) -> list[tuple[str | None, int, int]]:
    """Its runs of neighbouring bits, the lowest first: name of a wire, or None for constants; lowest bit; width."""
    if signal.is_wire():  # Most are, and every question to Yosys takes its time.
        wire = signal.as_wire()
        return [(wire.name.str(), 0, wire.width)]
    if signal.is_chunk():
        chunk = signal.as_chunk()
        return [(None if chunk.wire is None else chunk.wire.name.str(), chunk.offset, chunk.width)]
    chunks: list[tuple[str | None, int, int]] = []
    last, end = None, 0  # wire of the chunk before, and the bit that would continue it
    for bit in signal.to_sigbit_vector():
        wire = bit.wire
        offset = 0 if wire is None else bit.offset
        if chunks and wire is last and (wire is None or offset == end):
            name, lsb, width = chunks[-1]
            chunks[-1] = (name, lsb, width + 1)
        else:
            chunks.append((None if wire is None else wire.name.str(), offset, 1))
        last, end = wire, offset + 1
    return chunks


def signal_of(bits: Iterable[ys.SigBit]) -> ys.SigSpec:
    """The signal that has these bits, the lowest first."""
    return ys.SigSpec(ys.SigbitVector(list(bits)))


def fresh(module: ys.Module, name: str, width: int) -> ys.Wire:
    """A new wire of ``module``: ``name``, or with a number behind it if there is one."""
    number, chosen = 0, ys.IdString(f"\\{name}")
    while module.count_id(chosen):
        number += 1
        chosen = ys.IdString(f"\\{name}_{number}")
    return module.addWire(chosen, width)

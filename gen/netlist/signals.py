"""Names and small constructions that every pass over a netlist needs."""

from collections.abc import Iterable

from pyosys import libyosys as ys

__all__ = [
    "A_SIGNED",
    "A_WIDTH",
    "B_SIGNED",
    "B_WIDTH",
    "Y_WIDTH",
    "A",
    "B",
    "Y",
    "bits_of",
    "fresh",
    "one_of",
    "signal_of",
    "zeros",
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

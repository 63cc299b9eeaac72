"""The shifts of a requantizer: muxes in stages, each a small module that a target with multipliers may map to these."""

from collections.abc import Callable

from amaranth.hdl import Module, Mux, Shape, Signal, Value, signed
from amaranth.lib.wiring import In, Out

from rtl.base.mapped import Mapped

__all__ = ["Shifter", "shifted_left", "shifted_right"]


def shifted_left(m: Module, name: str, value: Value, amount: Value, width: int) -> Value:
    """``value << amount`` (signed), its low ``width`` bits: two bits of ``amount`` at a time, the lowest first, so that
    the first muxes are as narrow as ``value``.
    """
    for lsb in range(0, len(amount), 2):
        shifted = _select(amount[lsb : lsb + 2], lambda n, value=value, lsb=lsb: value.shift_left(n << lsb))
        stage = Signal(signed(min(width, len(shifted))), name=f"{name}_left{lsb}")
        m.d.comb += stage.eq(shifted)
        value = stage
    return value


def shifted_right(m: Module, name: str, value: Value, amount: Value, width: int) -> Value:
    """``value >> amount`` (signed), its low ``width`` bits: two bits of ``amount`` at a time, the highest first, so
    that the last muxes are as narrow as the result.
    """
    for lsb in reversed(range(0, len(amount), 2)):
        shifted = _select(amount[lsb : lsb + 2], lambda n, value=value, lsb=lsb: value.shift_right(n << lsb))
        stage = Signal(signed(min(len(value), width + (1 << lsb) - 1)), name=f"{name}_right{lsb}")
        m.d.comb += stage.eq(shifted)
        value = stage
    return value


def _select(index: Value, choice: Callable[[int], Value]) -> Value:
    """``choice(index)`` for an index of one bit or two: a mux of four takes two LUTs on an FPGA."""
    if len(index) == 1:
        return Mux(index, choice(1), choice(0))
    return Mux(index[1], Mux(index[0], choice(3), choice(2)), Mux(index[0], choice(1), choice(0)))


class Shifter(Mapped):
    """``value`` of the cycle before, shifted by the ``amount`` of two cycles before: a target may work out a factor of
    it first. Both registers are in the part, so that a multiplier may use its own.

    Parameters
    ----------
    module : str
        Name of its module, or "".
    left : bool
        To the left; otherwise to the right, and the low bits are left.
    bits : int
        Signed bits of ``value``.
    most : int
        The greatest ``amount``.
    width : int
        Bits of ``shifted``.

    Members
    -------
    value : In(signed(bits))
    amount : In(range(most + 1))
    shifted : Out(signed(width))
    """

    clocked = True

    def __init__(self, module: str, *, left: bool, bits: int, most: int, width: int):
        self.module = module
        self.left = left
        super().__init__({
            "value": In(signed(bits)), "amount": In(Shape.cast(range(most + 1))), "shifted": Out(signed(width)),
        })

    def describe(self):
        m = Module()

        shift = shifted_left if self.left else shifted_right
        amount, shifted = Signal.like(self.amount, name="held", reset_less=True), Signal.like(
            self.shifted, reset_less=True
        )
        m.d.sync += amount.eq(self.amount)
        m.d.sync += shifted.eq(shift(m, "value", self.value, amount, len(shifted)))
        m.d.comb += self.shifted.eq(shifted)
        return m

"""The order results come in, as addresses: all pixels of one tile of output channels, then the next tile."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import WIDTHS
from rtl.base.countdown import begin, countdown, step
from spec.commands import ADDRESS_BITS

__all__ = ["OutputWalk"]


class OutputWalk(wiring.Component):
    """Result ``i`` of a layer is pixel ``p = i mod P`` of channel tile ``k = i div P``; its word is
    ``address = base + p*step + k div columns`` and its part of the word is ``column = k mod columns``.

    The outputs describe the next result; ``advance`` steps past it. Registered: valid from the cycle after ``reset``.

    Parameters
    ----------
    columns : int
        Channel tiles per word.
    address_bits : int
        Bits of a word address; arithmetic wraps there.

    Members
    -------
    reset : In(1)
        Back to result 0.
    advance : In(1)
    base : In(address_bits)
        Taken with ``reset``.
    pixels : In(20)
        P.
    step : In(10)
        Words per pixel.
    address : Out(address_bits)
    column : Out(range(columns))
    first : Out(1)
        Pixel 0 of a tile.
    """

    def __init__(self, *, columns: int, address_bits: int = ADDRESS_BITS):
        self.columns = columns
        super().__init__({
            "reset": In(1),
            "advance": In(1),
            "base": In(address_bits),
            "pixels": In(WIDTHS["out_pixels"]),
            "step": In(WIDTHS["out_step"]),
            "address": Out(address_bits),
            "column": Out(range(columns)),
            "first": Out(1, init=1),
        })

    def elaborate(self, platform):
        m = Module()

        pixels = Signal(countdown(WIDTHS["out_pixels"]))
        start = Signal.like(self.address)  # of the present channel tile
        with m.If(self.reset):
            m.d.sync += [*begin(pixels, self.pixels), self.first.eq(1), self.column.eq(0)]
            m.d.sync += [start.eq(self.base), self.address.eq(self.base)]
        with m.Elif(self.advance):
            m.d.sync += self.first.eq(pixels.last)
            with m.If(~pixels.last):
                m.d.sync += [*step(pixels), self.address.eq(self.address + self.step)]
            with m.Else():
                m.d.sync += begin(pixels, self.pixels)
                with m.If(self.column == self.columns - 1):
                    m.d.sync += [self.column.eq(0), start.eq(start + 1), self.address.eq(start + 1)]
                with m.Else():
                    m.d.sync += [self.column.eq(self.column + 1), self.address.eq(start)]
        return m

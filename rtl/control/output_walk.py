"""The order results come in, as addresses: all pixels of one tile of output channels, then the next tile."""

from collections.abc import Mapping

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import WIDTHS
from rtl.base.countdown import begin, countdown, step
from spec.commands import ADDRESS_BITS

__all__ = ["OutputWalk"]


class OutputWalk(wiring.Component):
    """Result ``i`` of a layer is pixel ``p = i mod P`` of channel tile ``k = i div P``; its word is
    ``offset = p*step + k div columns`` of those of its map, and its part of the word is ``column = k mod columns``.

    The outputs describe the next result; ``advance`` steps past it. Registered: valid from the cycle after ``reset``.

    Parameters
    ----------
    columns : int
        Channel tiles per word.
    address_bits : int
        Bits of a word address; arithmetic wraps there.
    widths : mapping of str to int
        Bits of the command's fields that count.

    Members
    -------
    reset : In(1)
        Back to result 0.
    advance : In(1)
    pixels : In(20)
        P.
    step : In(10)
        Words per pixel.
    offset : Out(address_bits)
    column : Out(range(columns))
    first : Out(1)
        Pixel 0 of a tile.
    """

    def __init__(self, *, columns: int, address_bits: int = ADDRESS_BITS, widths: Mapping[str, int] = WIDTHS):
        self.columns = columns
        super().__init__({
            "reset": In(1),
            "advance": In(1),
            "pixels": In(widths["out_pixels"]),
            "step": In(widths["out_step"]),
            "offset": Out(address_bits),
            "column": Out(range(columns)),
            "first": Out(1, init=1),
        })

    def elaborate(self, platform):
        m = Module()

        pixels = Signal(countdown(len(self.pixels)))
        start = Signal.like(self.offset)  # of the present channel tile
        with m.If(self.reset):
            m.d.sync += [*begin(pixels, self.pixels), self.first.eq(1), self.column.eq(0)]
            m.d.sync += [start.eq(0), self.offset.eq(0)]
        with m.Elif(self.advance):
            m.d.sync += self.first.eq(pixels.last)
            with m.If(~pixels.last):
                m.d.sync += [*step(pixels), self.offset.eq(self.offset + self.step)]
            with m.Else():
                m.d.sync += begin(pixels, self.pixels)
                with m.If(self.column == self.columns - 1):
                    m.d.sync += [self.column.eq(0), start.eq(start + 1), self.offset.eq(start + 1)]
                with m.Else():
                    m.d.sync += [self.column.eq(self.column + 1), self.offset.eq(start)]
        return m

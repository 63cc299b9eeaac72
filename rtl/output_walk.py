"""The order results come in, as addresses: all pixels of one tile of output channels, then the next tile."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spec.commands import ADDRESS_BITS

__all__ = ["OutputWalk"]


class OutputWalk(wiring.Component):
    """Result ``i`` of a layer is pixel ``p = i mod P`` of channel tile ``k = i div P``; its word is
    ``offset = p*step + k div columns`` and its part of the word is ``column = k mod columns``.

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
    pixels : In(20)
        P.
    step : In(10)
        Words per pixel.
    offset : Out(address_bits)
    column : Out(range(columns))
    first : Out(1)
        Pixel 0 of a tile.
    """

    def __init__(self, *, columns: int, address_bits: int = ADDRESS_BITS):
        self.columns = columns
        super().__init__({
            "reset": In(1),
            "advance": In(1),
            "pixels": In(20),
            "step": In(10),
            "offset": Out(address_bits),
            "column": Out(range(columns)),
            "first": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        pixel = Signal(20)
        block = Signal(10)
        m.d.comb += self.first.eq(pixel == 0)
        with m.If(self.reset):
            m.d.sync += [pixel.eq(0), block.eq(0), self.offset.eq(0), self.column.eq(0)]
        with m.Elif(self.advance):
            with m.If(pixel + 1 != self.pixels):
                m.d.sync += [pixel.eq(pixel + 1), self.offset.eq(self.offset + self.step)]
            with m.Else():
                m.d.sync += pixel.eq(0)
                with m.If(self.column == self.columns - 1):
                    m.d.sync += [self.column.eq(0), block.eq(block + 1), self.offset.eq(block + 1)]
                with m.Else():
                    m.d.sync += [self.column.eq(self.column + 1), self.offset.eq(block)]
        return m

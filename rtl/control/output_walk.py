"""The order results come in, as addresses: all pixels of one tile of output channels, then the next tile."""

from amaranth.hdl import Module, Mux, Signal, Value
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
    halves : bool
        There are ``half`` and ``width``.

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
    half : In(1)
        Pixel ``p = y*width + x`` has the word of pixel ``(y >> 1)*((width + 1) >> 1) + (x >> 1)`` instead: that of a
        map half as large. Only with ``halves``.
    width : In(12)
        Pixels of a row. Likewise.
    address : Out(address_bits)
    column : Out(range(columns))
    first : Out(1)
        Pixel 0 of a tile.
    """

    def __init__(self, *, columns: int, address_bits: int = ADDRESS_BITS, halves: bool = False):
        self.columns = columns
        self.halves = halves
        super().__init__(({"half": In(1), "width": In(WIDTHS["out_width"])} if halves else {}) | {
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
        following = self._half(m, pixels.last, start) if self.halves else self.address + self.step
        with m.If(self.reset):
            m.d.sync += [*begin(pixels, self.pixels), self.first.eq(1), self.column.eq(0)]
            m.d.sync += [start.eq(self.base), self.address.eq(self.base)]
        with m.Elif(self.advance):
            m.d.sync += self.first.eq(pixels.last)
            with m.If(~pixels.last):
                m.d.sync += [*step(pixels), self.address.eq(following)]
            with m.Else():
                m.d.sync += begin(pixels, self.pixels)
                with m.If(self.column == self.columns - 1):
                    m.d.sync += [self.column.eq(0), start.eq(start + 1), self.address.eq(start + 1)]
                with m.Else():
                    m.d.sync += [self.column.eq(self.column + 1), self.address.eq(start)]
        return m

    def _half(self, m: Module, tile_ends: Value, start: Signal) -> Value:
        """The address of the next pixel of the tile: a word of the map half as large serves two pixels of two rows."""
        columns = Signal(countdown(WIDTHS["out_width"]), name="row_columns")  # left in the row
        odd_x, odd_y = Signal(), Signal()
        row = Signal.like(self.address)  # of the smaller map
        stepped, following = Signal.like(self.address), Signal.like(self.address)
        m.d.comb += [stepped.eq(self.address + self.step), following.eq(stepped)]
        with m.If(self.half & columns.last & ~odd_y):
            m.d.comb += following.eq(row)  # once more
        with m.Elif(self.half & ~columns.last & ~odd_x):
            m.d.comb += following.eq(self.address)
        with m.If(self.reset | self.advance & tile_ends):
            m.d.sync += [*begin(columns, self.width), odd_x.eq(0), odd_y.eq(0)]
            next_start = Mux(self.column == self.columns - 1, start + 1, start)
            m.d.sync += row.eq(Mux(self.reset, self.base, next_start))
        with m.Elif(self.advance):
            m.d.sync += [*step(columns), odd_x.eq(~odd_x)]
            with m.If(columns.last):
                m.d.sync += [*begin(columns, self.width), odd_x.eq(0), odd_y.eq(~odd_y), row.eq(following)]
        return following

"""The order results come in, as addresses: all pixels of one tile of output channels, then the next tile."""

from collections.abc import Mapping

from amaranth.hdl import Module, Mux, Signal, Value
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
    halves : bool
        There are ``half``, ``width`` and ``added``.

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
    half : In(1)
        ``added`` is of a map half as large. Only with ``halves``.
    width : In(12)
        Pixels of a row. Likewise.
    added : Out(address_bits)
        The word of the residual: ``offset``, or with ``half`` that of pixel ``(y >> 1)*((width + 1) >> 1) + (x >> 1)``
        where ``p = y*width + x``. Likewise.
    column : Out(range(columns))
    first : Out(1)
        Pixel 0 of a tile.
    """

    def __init__(
        self, *, columns: int, address_bits: int = ADDRESS_BITS, widths: Mapping[str, int] = WIDTHS,
        halves: bool = False,
    ):
        self.columns = columns
        self.halves = halves
        smaller = {"half": In(1), "width": In(widths["out_width"]), "added": Out(address_bits)}
        super().__init__((smaller if halves else {}) | {
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
        if self.halves:
            self._half(m, pixels.last, start)
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

    def _half(self, m: Module, tile_ends: Value, start: Signal) -> None:
        """The word that is added: one of the map half as large serves two pixels of two rows."""
        columns = Signal(countdown(len(self.width)), name="row_columns")  # left in the row
        odd_x, odd_y = Signal(), Signal()
        row = Signal.like(self.added)  # of the smaller map
        following, next_start = Signal.like(self.added), Signal.like(self.added)
        m.d.comb += [
            following.eq(self.added + self.step),
            next_start.eq(Mux(self.column == self.columns - 1, start + 1, start)),
        ]
        with m.If(self.half & columns.last & ~odd_y):
            m.d.comb += following.eq(row)  # once more
        with m.Elif(self.half & ~columns.last & ~odd_x):
            m.d.comb += following.eq(self.added)
        with m.If(self.reset):
            m.d.sync += [*begin(columns, self.width), odd_x.eq(0), odd_y.eq(0), self.added.eq(0), row.eq(0)]
        with m.Elif(self.advance & tile_ends):
            m.d.sync += [*begin(columns, self.width), odd_x.eq(0), odd_y.eq(0)]
            m.d.sync += [self.added.eq(next_start), row.eq(next_start)]
        with m.Elif(self.advance):
            m.d.sync += [*step(columns), odd_x.eq(~odd_x), self.added.eq(following)]
            with m.If(columns.last):
                m.d.sync += [*begin(columns, self.width), odd_x.eq(0), odd_y.eq(~odd_y), row.eq(following)]

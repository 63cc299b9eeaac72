"""The order in which windows slide over a map: one output pixel after another, row by row."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data

__all__ = ["pixel_layout", "step_pixel"]


def pixel_layout(address_bits: int) -> data.StructLayout:
    """Where a window is in the input map: its top left position (13 bits, wrapping), its output column, its word
    offset.
    """
    return data.StructLayout({"offset": address_bits, "y": 13, "x": 13, "column": 12})


def step_pixel(m: Module, command, here: Signal, after: Signal) -> None:
    """Make ``after`` the output pixel that follows ``here`` in the map of ``command`` (:func:`pixel_layout`)."""
    with m.If(here.column + 1 == command.out_width):
        m.d.comb += [
            after.offset.eq(here.offset + command.step_row),
            after.y.eq(here.y + command.stride),
            after.x.eq(-command.pad),
            after.column.eq(0),
        ]
    with m.Else():
        m.d.comb += [
            after.offset.eq(here.offset + command.step_x),
            after.y.eq(here.y),
            after.x.eq(here.x + command.stride),
            after.column.eq(here.column + 1),
        ]

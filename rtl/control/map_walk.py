"""The order in which windows slide over a map: one output pixel after another, row by row."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data

from rtl.base.command import WIDTHS
from rtl.base.countdown import begin, countdown, step

__all__ = ["COORDINATE_BITS", "pixel_layout", "start_pixel", "step_pixel"]


#: A row or column of the input map, and beyond its edges: it wraps, so that before the first comes the highest.
COORDINATE_BITS = max(WIDTHS["height"], WIDTHS["width"]) + 1


def pixel_layout(address_bits: int) -> data.StructLayout:
    """Where a window is in the input map: its top left position (:data:`COORDINATE_BITS`), the output columns left
    in its row, its word offset.
    """
    return data.StructLayout({
        "offset": address_bits, "y": COORDINATE_BITS, "x": COORDINATE_BITS, "columns": countdown(WIDTHS["out_width"]),
    })


def start_pixel(m: Module, command, here: Signal) -> None:
    """Make ``here`` the first output pixel of the map of ``command``, but for its offset."""
    m.d.comb += [here.y.eq(-command.pad), here.x.eq(-command.pad), *begin(here.columns, command.out_width)]


def step_pixel(m: Module, command, here: Signal, after: Signal) -> None:
    """Make ``after`` the output pixel that follows ``here`` in the map of ``command`` (:func:`pixel_layout`)."""
    with m.If(here.columns.last):
        m.d.comb += [
            after.offset.eq(here.offset + command.step_row),
            after.y.eq(here.y + command.stride),
            after.x.eq(-command.pad),
            *begin(after.columns, command.out_width),
        ]
    with m.Else():
        m.d.comb += [
            after.offset.eq(here.offset + command.step_x),
            after.y.eq(here.y),
            after.x.eq(here.x + command.stride),
            *step(after.columns, here.columns),
        ]

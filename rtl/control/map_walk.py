"""The order in which windows slide over a map: one output pixel after another, row by row."""

from collections.abc import Mapping

from amaranth.hdl import Module, Signal
from amaranth.lib import data
from amaranth.lib.wiring import Out

from rtl.base.command import WIDTHS
from rtl.base.countdown import begin, countdown, step
from rtl.base.ports import Boundary
from spec.layer import POOL

__all__ = ["Windows", "coordinate_bits", "pixel_layout", "start_pixel", "step_pixel"]


def coordinate_bits(widths: Mapping[str, int]) -> int:
    """Bits of a row or column of the input map, and beyond its edges: it wraps, so that before the first comes the
    highest. ``widths`` are those of the command's fields.
    """
    return max(widths["height"], widths["width"]) + 1


def pixel_layout(address_bits: int, widths: Mapping[str, int] = WIDTHS) -> data.StructLayout:
    """Where a window is in the input map: its top left position (:func:`coordinate_bits`), the output columns left
    in its row, its word offset.
    """
    place = coordinate_bits(widths)
    return data.StructLayout({
        "offset": address_bits, "y": place, "x": place, "columns": countdown(widths["out_width"]),
    })


class Windows(Boundary):
    """A walk over the words of windows that leaves it to :class:`rtl.control.address_generator.AddressGenerator` to
    follow the windows themselves, from the side of that walk.

    Parameters
    ----------
    address_bits : int

    Members
    -------
    take : Out(1)
        The first window is next, of the command in execution.
    walks : Out(1)
        A word is wanted: ``offset`` words from the window's first, in its row ``ky`` and column ``kx``.
    moves : Out(1)
        With ``walks``: the next window comes next.
    offset : Out(address_bits)
    ky, kx : Out
    """

    def __init__(self, address_bits: int):
        tap = Out(range(POOL.kernel))
        super().__init__({
            "take": Out(1), "walks": Out(1), "moves": Out(1), "offset": Out(address_bits), "ky": tap, "kx": tap,
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

"""Walks the input map: which word meets which weight tile, in which cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND, WIDTHS
from rtl.base.countdown import begin, countdown, step
from rtl.control.map_walk import COORDINATE_BITS, pixel_layout, start_pixel, step_pixel
from rtl.lane.accumulator import Accumulator
from spec.commands import ADDRESS_BITS

__all__ = ["AddressGenerator", "Beat"]


class Beat(data.Struct):
    """What happens in the PE array in one cycle."""

    valid: unsigned(1)  #: A pixel word meets the weights.
    filler: unsigned(1)  #: Idle slot that keeps a short run apart from the next one.
    first: unsigned(1)  #: First pixel of a run: these weights start here.
    start: unsigned(1)  #: Partial sums start from 0.
    last: unsigned(1)  #: The sum is complete after this.
    inside: unsigned(1)  #: The word lies in the map; otherwise it is padding (0).


class AddressGenerator(wiring.Component):
    """Beats of a command in the order ``m-tile > pixel tile > plane > ky > kx > n-block > pass > pixel``.

    Output pixel ``(oy, ox)`` and tap ``(ky, kx)`` meet input ``(oy*s + ky - p, ox*s + kx - p)``. The address is three
    registers and one adder: a base per tap and n-block, and an offset per pixel.

    Timing: the address stands two enabled cycles before its beat, so that a memory of latency 2 delivers the word with
    the beat. One beat per cycle of ``advance``; a run takes at least
    :data:`rtl.lane.accumulator.Accumulator.TURNAROUND` beats. The first beat stands 4 cycles after ``take``.

    Parameters
    ----------
    rings : bool
        There are planes: those of a ring, the highest first. Otherwise every layer has one.
    address_bits : int
        Bits of a word address; arithmetic wraps there.

    Members
    -------
    take : In(1)
    command : In(COMMAND)
        Held while ``busy``; ``source_base`` is the word that tap (0, 0) of output pixel (0, 0) meets.
    sum_positions : In(1)
        Classifier: one sum over all pixels of a run, instead of one per pixel.
    advance : In(1)
    address : Out(address_bits)
    upcoming : Out(1)
        The next beat is the first of a run, so its weights must be there before ``advance``.
    beat : Out(Beat)
    triple : Out(1)
        Of the beat: the partial sum counts three times, because a new plane begins. Only with ``rings``.
    busy : Out(1)
    """

    def __init__(self, *, rings: bool = False, address_bits: int = ADDRESS_BITS):
        self.rings = rings
        self.address_bits = address_bits
        super().__init__(({"triple": Out(1)} if rings else {}) | {
            "take": In(1),
            "command": In(COMMAND),
            "sum_positions": In(1),
            "advance": In(1),
            "address": Out(address_bits),
            "upcoming": Out(1),
            "beat": Out(Beat),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        command = self.command

        # Where the walk is.
        walking, valid, first_tap, first_run = Signal(), Signal(), Signal(), Signal()
        plane = Signal(WIDTHS["top_plane"]) if self.rings else None
        passes, blocks, columns, rows, pixels, pixel_tiles, tiles = (
            Signal(countdown(WIDTHS[field]), name=name) for name, field in (
                ("passes", "passes"), ("blocks", "blocks"), ("columns", "kernel"), ("rows", "kernel"),
                ("pixels", "run"), ("pixel_tiles", "pixel_tiles"), ("tiles", "tiles"),
            )
        )
        slot = Signal(range(Accumulator.TURNAROUND))  # stays at its greatest
        kx, ky = Signal(WIDTHS["kernel"]), Signal(WIDTHS["kernel"])
        tap_base = Signal(self.address_bits)
        layout = pixel_layout(self.address_bits)
        here, following, after, origin, tile_start = (
            Signal(layout, name=name) for name in ("here", "following", "after", "origin", "tile_start")
        )

        taps_end, run_ends, last_run, short = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            taps_end.eq(passes.last & blocks.last & columns.last & rows.last),
            last_run.eq(taps_end & (plane == 0) if self.rings else taps_end),
            # Whether the next run is one of the last, perhaps shorter, pixel tile.
            short.eq(Mux(
                last_run, Mux(pixel_tiles.last, command.pixel_tiles == 1, pixel_tiles.left == 2), pixel_tiles.last
            )),
            run_ends.eq((pixels.last | ~valid) & (slot == Accumulator.TURNAROUND - 1)),
        ]
        start_pixel(m, command, origin)
        step_pixel(m, command, here, following)
        m.d.comb += after.eq(Mux(valid, following, here))  # a filler slot moves nothing

        with m.If(self.take):
            m.d.sync += [
                *begin(passes, command.passes), *begin(blocks, command.blocks), *begin(columns, command.kernel),
                *begin(rows, command.kernel), *begin(pixel_tiles, command.pixel_tiles), *begin(tiles, command.tiles),
                *begin(pixels, Mux(command.pixel_tiles == 1, command.last_run, command.run)),
                walking.eq(1), valid.eq(1), first_tap.eq(1), first_run.eq(1), slot.eq(0), kx.eq(0), ky.eq(0),
                tap_base.eq(command.source_base), here.eq(origin), tile_start.eq(origin),
            ]
            if self.rings:
                m.d.sync += plane.eq(command.top_plane)
        with m.Elif(self.advance & walking):
            m.d.sync += here.eq(after)
            with m.If(slot != Accumulator.TURNAROUND - 1):
                m.d.sync += slot.eq(slot + 1)
            with m.If(valid):
                m.d.sync += [*step(pixels), valid.eq(~pixels.last)]
            with m.If(run_ends):
                m.d.sync += [slot.eq(0), valid.eq(1), first_tap.eq(taps_end), first_run.eq(last_run)]
                m.d.sync += [here.eq(tile_start), *begin(pixels, Mux(short, command.last_run, command.run))]
                m.d.sync += step(passes)
                with m.If(passes.last):
                    m.d.sync += [*begin(passes, command.passes), *step(blocks), tap_base.eq(tap_base + 1)]
                    with m.If(blocks.last):
                        m.d.sync += [*begin(blocks, command.blocks), *step(columns), kx.eq(kx + 1)]
                        with m.If(columns.last):
                            m.d.sync += [*begin(columns, command.kernel), *step(rows), kx.eq(0), ky.eq(ky + 1)]
                            m.d.sync += tap_base.eq(tap_base + command.step_tap)
                with m.If(taps_end):
                    m.d.sync += [*begin(rows, command.kernel), ky.eq(0), tap_base.eq(command.source_base)]
                    if self.rings:
                        m.d.sync += plane.eq(plane - 1)
                with m.If(last_run):
                    m.d.sync += [here.eq(after), tile_start.eq(after), *step(pixel_tiles)]
                    if self.rings:
                        m.d.sync += plane.eq(command.top_plane)
                    with m.If(pixel_tiles.last):
                        m.d.sync += [here.eq(origin), tile_start.eq(origin), walking.eq(~tiles.last)]
                        m.d.sync += [*begin(pixel_tiles, command.pixel_tiles), *step(tiles)]

        run_start, run_end = slot == 0, pixels.last & valid
        start = first_run & (run_start | ~self.sum_positions)
        if self.rings:
            self._delay_triple(m, first_tap & ~first_run & (run_start | ~self.sum_positions))
        last = last_run & (run_end | ~self.sum_positions)
        place = tap_base + here.offset, here.y + ky, here.x + kx
        self._pipeline(m, walking, valid, (run_start, start, last), place)
        return m

    def _delay_triple(self, m: Module, triple) -> None:
        """The registers of :meth:`_pipeline` for ``triple``."""
        addressed, fetching = Signal(name="triple_addressed"), Signal(name="triple_fetching")
        with m.If(self.advance):
            m.d.sync += [addressed.eq(triple), fetching.eq(addressed), self.triple.eq(fetching)]

    def _pipeline(self, m: Module, walking, valid, marks, place) -> None:
        """Three registers: address, memory, word. ``marks`` are those of a run, of the sums' start and of their end;
        ``place`` is the address and the row and column of the map.
        """
        (run_start, start, last), (address, y, x) = marks, place
        addressed, fetching, beat = Signal(Beat), Signal(Beat), Signal(Beat)
        row, column = Signal(COORDINATE_BITS), Signal(COORDINATE_BITS)
        m.d.comb += [
            self.beat.eq(beat),
            self.upcoming.eq(fetching.first),
            self.busy.eq(walking | Cat((b.valid, b.filler) for b in (addressed, fetching, beat)).any()),
        ]
        with m.If(self.advance):
            m.d.sync += [
                self.address.eq(address),
                row.eq(y),
                column.eq(x),
                addressed.valid.eq(walking & valid),
                addressed.filler.eq(walking & ~valid),
                addressed.first.eq(walking & run_start),
                addressed.start.eq(start),
                addressed.last.eq(last),
                fetching.eq(addressed),
                fetching.inside.eq((row < self.command.height) & (column < self.command.width)),
                beat.eq(fetching),
            ]

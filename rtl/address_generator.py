"""Walks the input map: which word meets which weight tile, in which cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.accumulator import Accumulator
from rtl.command import COMMAND
from rtl.map_walk import pixel_layout, step_pixel
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
    the beat. One beat per cycle of ``advance``; a run takes at least :data:`rtl.accumulator.Accumulator.TURNAROUND`
    beats. The first beat stands 4 cycles after ``take``.

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
        walking = Signal()
        plane = Signal(3) if self.rings else None
        slot, pass_index, block = Signal(10), Signal(2), Signal(10)
        kx, ky, pixel_tile, tile = Signal(3), Signal(3), Signal(12), Signal(11)
        tap_base = Signal(self.address_bits)
        layout = pixel_layout(self.address_bits)
        here, following, after, origin, tile_start = (
            Signal(layout, name=name) for name in ("here", "following", "after", "origin", "tile_start")
        )

        ends = {
            "pass_index": pass_index + 1 == command.passes,
            "block": block + 1 == command.blocks,
            "kx": kx + 1 == command.kernel,
            "ky": ky + 1 == command.kernel,
            "pixel_tile": pixel_tile + 1 == command.pixel_tiles,
            "tile": tile + 1 == command.tiles,
        }
        run, slots = Signal(10), Signal(10)
        valid, run_ends, first_run, last_run = Signal(), Signal(), Signal(), Signal()
        taps_end = ends["pass_index"] & ends["block"] & ends["kx"] & ends["ky"]
        first_tap = (pass_index == 0) & (block == 0) & (kx == 0) & (ky == 0)
        m.d.comb += [
            run.eq(Mux(ends["pixel_tile"], command.last_run, command.run)),
            slots.eq(Mux(run < Accumulator.TURNAROUND, Accumulator.TURNAROUND, run)),
            valid.eq(slot < run),
            run_ends.eq(slot + 1 == slots),
            first_run.eq(first_tap & (plane == command.top_plane) if self.rings else first_tap),
            last_run.eq(taps_end & (plane == 0) if self.rings else taps_end),
            origin.y.eq(-command.pad),
            origin.x.eq(-command.pad),
        ]
        step_pixel(m, command, here, following)
        m.d.comb += after.eq(Mux(valid, following, here))  # a filler slot moves nothing

        with m.If(self.take):
            m.d.sync += [counter.eq(0) for counter in (slot, pass_index, block, kx, ky, pixel_tile, tile)]
            m.d.sync += [walking.eq(1), tap_base.eq(command.source_base), here.eq(origin), tile_start.eq(origin)]
            if self.rings:
                m.d.sync += plane.eq(command.top_plane)
        with m.Elif(self.advance & walking):
            m.d.sync += [slot.eq(slot + 1), here.eq(after)]
            with m.If(run_ends):
                m.d.sync += [slot.eq(0), here.eq(tile_start), pass_index.eq(pass_index + 1)]
                with m.If(ends["pass_index"]):
                    m.d.sync += [pass_index.eq(0), block.eq(block + 1), tap_base.eq(tap_base + 1)]
                    with m.If(ends["block"]):
                        m.d.sync += [block.eq(0), kx.eq(kx + 1)]
                        with m.If(ends["kx"]):
                            m.d.sync += [kx.eq(0), ky.eq(ky + 1), tap_base.eq(tap_base + command.step_tap)]
                if self.rings:
                    with m.If(taps_end):
                        m.d.sync += [ky.eq(0), tap_base.eq(command.source_base), plane.eq(plane - 1)]
                with m.If(last_run):
                    m.d.sync += [ky.eq(0), tap_base.eq(command.source_base), pixel_tile.eq(pixel_tile + 1)]
                    m.d.sync += [here.eq(after), tile_start.eq(after)]
                    if self.rings:
                        m.d.sync += plane.eq(command.top_plane)
                    with m.If(ends["pixel_tile"]):
                        m.d.sync += [here.eq(origin), tile_start.eq(origin)]
                        m.d.sync += [pixel_tile.eq(0), tile.eq(tile + 1), walking.eq(~ends["tile"])]

        run_start, run_end = slot == 0, slot + 1 == run
        start = first_run & (run_start | ~self.sum_positions)
        if self.rings:
            self._delay_triple(m, first_tap & ~first_run & (run_start | ~self.sum_positions))
        last = last_run & (run_end | ~self.sum_positions)
        self._pipeline(m, walking, valid, run_start, start, last, tap_base + here.offset, here.y + ky, here.x + kx)
        return m

    def _delay_triple(self, m: Module, triple) -> None:
        """The registers of :meth:`_pipeline` for ``triple``."""
        addressed, fetching = Signal(name="triple_addressed"), Signal(name="triple_fetching")
        with m.If(self.advance):
            m.d.sync += [addressed.eq(triple), fetching.eq(addressed), self.triple.eq(fetching)]

    def _pipeline(self, m: Module, walking, valid, run_start, start, last, address, y, x) -> None:
        """Three registers: address, memory, word."""
        addressed, fetching, beat = Signal(Beat), Signal(Beat), Signal(Beat)
        row, column = Signal(13), Signal(13)
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

"""Walks the input map: which word meets which weight tile, in which cycle."""

from collections.abc import Mapping

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND, WIDTHS, in_pairs, narrow
from rtl.base.countdown import begin, countdown, step
from rtl.base.nest import Nest
from rtl.control.map_walk import Windows, coordinate_bits, pixel_layout, start_pixel, step_pixel
from rtl.lane.accumulator import Accumulator
from spec.commands import ADDRESS_BITS
from spec.order import loops_of

__all__ = ["AddressGenerator", "Beat"]


class Beat(data.Struct):
    """What happens in the PE array in one cycle."""

    valid: unsigned(1)  #: A pixel word meets the weights.
    filler: unsigned(1)  #: Idle slot that keeps a short run apart from the next one.
    first: unsigned(1)  #: First pixel of a run: these weights start here.
    start: unsigned(1)  #: Partial sums start from 0.
    last: unsigned(1)  #: The sum is complete after this.
    inside: unsigned(1)  #: The word lies in the map; otherwise it is padding (0).
    second: unsigned(1)  #: It meets the second pair of every group.


class AddressGenerator(wiring.Component):
    """Beats of a command in the order of :data:`spec.order.LOOPS`, and in every run one pixel after another.

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
    widths : mapping of str to int
        Bits of the command's fields that count.
    pairs : bool or None
        What all commands are, or None (:func:`rtl.base.command.in_pairs`).
    pools : bool
        There are ``windows`` of a max pool, which uses what there is to follow them while no layer is walked.
    foresees : bool
        There is a ``finishing``.

    Members
    -------
    take : In(1)
    command : In(COMMAND)
        Held while ``busy``; ``source_base`` is the word that tap (0, 0) of output pixel (0, 0) meets.
    sum_positions : In(1)
        Classifier: one sum over all pixels of a run, instead of one per pixel.
    advance : In(1)
    windows : In(Windows(address_bits))
        While not ``busy``: ``address`` is that of the word wanted a cycle before, and ``beat.inside`` says of the one
        wanted three cycles before whether it lies in the map. Only with ``pools``.
    address : Out(address_bits)
    upcoming : Out(1)
        The next beat is the first of a run, so its weights must be there before ``advance``.
    finishing : Out(1)
        And the sums of its first pixel are complete after it. Only with ``foresees``.
    beat : Out(Beat)
    triple : Out(1)
        Of the beat: the partial sum counts three times, because a new plane begins. Only with ``rings``.
    busy : Out(1)
    """

    def __init__(
        self, *, rings: bool = False, address_bits: int = ADDRESS_BITS, widths: Mapping[str, int] = WIDTHS,
        pairs: bool | None = None, pools: bool = False, foresees: bool = False,
    ):
        self.rings = rings
        self.address_bits = address_bits
        self.widths = widths
        self.pairs = pairs
        self.pools = pools
        self.foresees = foresees
        some = {"triple": Out(1)} if rings else {}
        some |= {"finishing": Out(1)} if foresees else {}
        some |= {"windows": In(Windows(address_bits))} if pools else {}
        super().__init__(some | {
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
        command = narrow(self.command, self.widths)
        walking, valid, first_tap, first_run = Signal(), Signal(), Signal(), Signal(name="first_run")
        nest = Nest(m, loops_of(rings=self.rings), widths=self.widths)
        segment_ends = nest.ends["plane" if self.rings else "ky"]  # the sums of the pixel tile are complete
        pixels = Signal(countdown(self.widths["run"]), name="pixels")
        slot = Signal(range(Accumulator.TURNAROUND), name="slot")  # stays at its greatest
        short, run_ends, run = Signal(), Signal(), Signal(self.widths["run"])
        m.d.comb += [
            # The next run may have fewer pixels.
            short.eq(Mux(self.take, command.pixel_tiles == 1, nest.last_after("pixel_tile", command))),
            run.eq(Mux(short, command.last_run, command.run)),
            run_ends.eq((pixels.last | ~valid) & (slot == Accumulator.TURNAROUND - 1)),
        ]
        run_done = Signal()
        m.d.comb += run_done.eq(self.advance & walking & run_ends)
        with m.If(self.take):
            m.d.sync += [walking.eq(1), valid.eq(1), first_tap.eq(1), first_run.eq(1), slot.eq(0)]
            m.d.sync += begin(pixels, run)
            nest.begin(m, command)
        with m.Elif(self.advance & walking):
            with m.If(slot != Accumulator.TURNAROUND - 1):
                m.d.sync += slot.eq(slot + 1)
            with m.If(valid):
                m.d.sync += [*step(pixels), valid.eq(~pixels.last)]
            with m.If(run_ends):
                m.d.sync += [slot.eq(0), valid.eq(1), first_tap.eq(nest.ends["ky"]), first_run.eq(segment_ends)]
                m.d.sync += begin(pixels, run)
                m.d.sync += walking.eq(~nest.ends["m_tile"])
                nest.step(m, command)

        run_start, run_end = slot == 0, pixels.last & valid
        start = first_run & (run_start | ~self.sum_positions)
        if self.rings:
            self._delay_triple(m, first_tap & ~first_run & (run_start | ~self.sum_positions))
        last = segment_ends & (run_end | ~self.sum_positions)
        address, tap = self._tap(m, nest, run_done)
        here = self._pixel(m, nest, segment_ends, (self.advance & walking & valid, first_run & run_start, run_done))
        place = address + here.offset, here.y + tap[0], here.x + tap[1]
        second = nest.last["pass"] & in_pairs(command, self.pairs)
        self._pipeline(m, walking, valid, (run_start, start, last, second), place)
        return m

    def _tap(self, m: Module, nest: Nest, run_done: Signal) -> tuple[Signal, tuple[Signal, Signal]]:
        """The word that the present tap and n-block of output pixel (0, 0) meets, and ``(ky, kx)``."""
        base = Signal(self.address_bits, name="tap_base")
        ky, kx = Signal(WIDTHS["kernel"], name="ky"), Signal(WIDTHS["kernel"], name="kx")
        with m.If(self.take | run_done & nest.ends["ky"]):
            m.d.sync += [base.eq(self.command.source_base), ky.eq(0), kx.eq(0)]
        with m.Elif(run_done & nest.goes_on["ky"]):
            m.d.sync += [base.eq(base + self.command.step_tap), ky.eq(ky + 1), kx.eq(0)]
        with m.Elif(run_done & nest.ends["pass"]):
            m.d.sync += [base.eq(base + 1), kx.eq(kx + nest.ends["block"])]
        if not self.pools:
            return base, (ky, kx)
        windows = self.windows
        return Mux(windows.walks, windows.offset, base), (
            Mux(windows.walks, windows.ky, ky), Mux(windows.walks, windows.kx, kx)
        )

    def _pixel(self, m: Module, nest: Nest, segment_ends: Signal, moves: tuple[Signal, ...]) -> Signal:
        """The output pixel that the present beat is for (:func:`rtl.control.map_walk.pixel_layout`).

        ``moves``: a beat passes, with a pixel; it is the first of the first run over these pixels; it is the last of
        its run, with a pixel or without.
        """
        passes, begins, run_done = moves
        layout, command = pixel_layout(self.address_bits, self.widths), narrow(self.command, self.widths)
        here, following, origin, tile_start = (
            Signal(layout, name=name) for name in ("here", "following", "origin", "tile_start")
        )
        take, moves = self.take, passes  # a filler slot moves nothing
        start_pixel(m, command, origin)
        step_pixel(m, command, here, following)
        if self.pools:
            take, moves = take | self.windows.take, moves | self.windows.moves
            with m.If(self.windows.take):
                m.d.comb += origin.offset.eq(command.source_base)
        with m.If(take | run_done & nest.ends["pixel_tile"]):
            m.d.sync += here.eq(origin)
        with m.Elif(run_done & ~segment_ends):
            m.d.sync += here.eq(tile_start)
        with m.Elif(moves):
            m.d.sync += here.eq(following)
        with m.If(begins):
            m.d.sync += tile_start.eq(here)
        return here

    def _delay_triple(self, m: Module, triple) -> None:
        """The registers of :meth:`_pipeline` for ``triple``."""
        addressed, fetching = Signal(name="triple_addressed"), Signal(name="triple_fetching")
        with m.If(self.advance):
            m.d.sync += [addressed.eq(triple), fetching.eq(addressed), self.triple.eq(fetching)]

    def _pipeline(self, m: Module, walking, valid, marks, place) -> None:
        """Three registers: address, memory, word. ``marks`` are those of a run, of the sums' start and of their end,
        and of the second pass; ``place`` is the address and the row and column of the map.
        """
        (run_start, start, last, second), (address, y, x) = marks, place
        addressed, fetching, beat = Signal(Beat), Signal(Beat), Signal(Beat)
        command = narrow(self.command, self.widths)
        row, column = (Signal(coordinate_bits(self.widths), name=name) for name in ("row", "column"))
        m.d.comb += [
            self.beat.eq(beat),
            self.upcoming.eq(fetching.first),
            self.busy.eq(walking | Cat((b.valid, b.filler) for b in (addressed, fetching, beat)).any()),
        ]
        if self.foresees:
            m.d.comb += self.finishing.eq(fetching.first & fetching.last)
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
                addressed.second.eq(second),
                fetching.eq(addressed),
                fetching.inside.eq((row < command.height) & (column < command.width)),
                beat.eq(fetching),
            ]

"""The order in which weights are fetched, as supermask addresses and rewind, jump and commit marks for the signs."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND, WIDTHS
from rtl.base.countdown import begin, countdown, step
from rtl.base.ports import Chunk, TileFetch
from spec.commands import RING_UNIT
from spec.config import AcceleratorConfig
from spec.lfsr import SIGN_WORD
from spec.supermask import GROUP

__all__ = ["MaskWalk"]


class MaskWalk(wiring.Component):
    """Fetches of a command in the order ``m-tile > pixel tile > plane > ky > kx > n-block > pass > rows``.

    The supermask is stored in the order ``m-tile > ky > kx > n-block > rows``; every pass and every pixel tile reads it
    again. One fetch per cycle of ``advance``, the first in the cycle after ``take``.

    Of a streamed command every m-tile is a chunk of its own: its first fetch comes two cycles after the last one of the
    m-tile before, or in the cycle after its chunk was there.

    Planes are those of a ring, the highest first; a layer with masks has one, and so has every layer of a build without
    rings.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    take : In(1)
    command : In(COMMAND)
    advance : In(1)
        The present fetch has been used.
    idle : Out(1)
        All fetches are done.
    fetch : Out(TileFetch)
    chunk : In(Chunk)
        The oldest chunk on the chip.
    free : Out(1)
        It is not needed any more.
    hungry : Out(1)
        The walk waits for a chunk.
    misfit : Out(1)
        Two cycles after ``free``: it was not as long as the masks of its m-tile, in whole words of the mask memory.
    plane : Out(range(ring_words))
        First word of the present plane in the ring memory. Not in a build without rings.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__(({"plane": Out(range(config.ring_words))} if config.ring_words else {}) | {
            "take": In(1),
            "command": In(COMMAND),
            "advance": In(1),
            "idle": Out(1),
            "fetch": Out(TileFetch),
            "chunk": In(Chunk),
            "free": Out(1),
            "hungry": Out(1),
            "misfit": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        names = ("coded", "streamed", "passes", "kernel", "blocks", "tiles", "last_rows", "last_groups", "pixel_tiles")
        held = {name: Signal.like(getattr(self.command, name), name=name) for name in names}
        planes = _Planes(m, self) if self.config.ring_words else None
        busy, placed, there, first, first_pixels = Signal(), Signal(), Signal(), Signal(), Signal()
        row, pass_index = Signal(self.fetch.index.shape()), Signal(self.fetch.pass_index.shape())
        rows, passes, blocks, kernel_columns, kernel_rows, pixel_tiles, tiles = (
            Signal(countdown(WIDTHS[field]), name=f"{name}_left") for name, field in (
                ("rows", "last_rows"), ("passes", "passes"), ("blocks", "blocks"), ("columns", "kernel"),
                ("kernel_rows", "kernel"), ("pixel_tiles", "pixel_tiles"), ("tiles", "tiles"),
            )
        )
        units = range(self.config.mask_words * (self.config.mask_word_bits // self.config.mask_unit_bits) + 1)
        unit, weight_tile_unit, m_tile_unit, after = (
            Signal(units, name=name) for name in ("unit", "weight_tile_unit", "m_tile_unit", "after")
        )

        new_tile = first_pixels & planes.first if planes else first_pixels
        last_plane = planes.last if planes else Const(1)
        m.d.comb += [
            self.idle.eq(~busy),
            after.eq(unit + Mux(held["coded"], 1, 2)),
            there.eq(busy & (placed | ~held["streamed"])),
            self.fetch.valid.eq(there),
            self.fetch.unit.eq(unit),
            self.fetch.index.eq(row),
            self.fetch.last.eq(rows.last),
            self.fetch.start.eq(first & new_tile),
            self.fetch.rewind.eq(first & ~new_tile),
            self.fetch.commit.eq(passes.last),
            self.fetch.pass_index.eq(pass_index),
            self.fetch.partial.eq(blocks.last),
            self.fetch.groups.eq(held["last_groups"]),
            self.fetch.words.eq((held["last_groups"] + (SIGN_WORD // GROUP - 1)) >> 2),
        ]

        def begin_rows(last_tile, last_rows):
            return [row.eq(0), *begin(rows, Mux(last_tile, last_rows, self.config.load_cycles))]

        with m.If(self.take):
            command = self.command
            m.d.sync += [signal.eq(getattr(command, name)) for name, signal in held.items()]
            m.d.sync += begin_rows(command.tiles == 1, command.last_rows)
            m.d.sync += [*begin(passes, command.passes), *begin(blocks, command.blocks), *begin(tiles, command.tiles)]
            m.d.sync += [*begin(kernel_columns, command.kernel), *begin(kernel_rows, command.kernel)]
            m.d.sync += [*begin(pixel_tiles, command.pixel_tiles), pass_index.eq(0), first.eq(1), first_pixels.eq(1)]
            m.d.sync += [address.eq(command.mask_base) for address in (unit, weight_tile_unit, m_tile_unit)]
            m.d.sync += [busy.eq(1), placed.eq(0)]
            if planes:
                planes.take(m)
        with m.Elif(self.advance & there):
            m.d.sync += [row.eq(row + 1), *step(rows), unit.eq(after)]
            with m.If(rows.last):
                m.d.sync += [*begin_rows(tiles.last, held["last_rows"]), unit.eq(weight_tile_unit)]
                m.d.sync += [*step(passes), pass_index.eq(pass_index + 1), first.eq(0)]
                with m.If(passes.last):
                    m.d.sync += [*begin(passes, held["passes"]), pass_index.eq(0), *step(blocks)]
                    m.d.sync += [unit.eq(after), weight_tile_unit.eq(after)]
                    with m.If(blocks.last):
                        m.d.sync += [*begin(blocks, held["blocks"]), *step(kernel_columns)]
                        with m.If(kernel_columns.last):
                            m.d.sync += [*begin(kernel_columns, held["kernel"]), *step(kernel_rows)]
                            with m.If(kernel_rows.last):
                                m.d.sync += [*begin(kernel_rows, held["kernel"]), first.eq(1)]
                                m.d.sync += [unit.eq(m_tile_unit), weight_tile_unit.eq(m_tile_unit)]
                                with m.If(last_plane):
                                    m.d.sync += [*step(pixel_tiles), first_pixels.eq(0)]
                                if planes:
                                    planes.step(m)
                                with m.If(pixel_tiles.last & last_plane):
                                    m.d.sync += [*begin(pixel_tiles, held["pixel_tiles"]), first_pixels.eq(1)]
                                    m.d.sync += [*begin_rows(tiles.left == 2, held["last_rows"]), *step(tiles)]
                                    m.d.sync += [x.eq(after) for x in (unit, weight_tile_unit, m_tile_unit)]
                                    m.d.sync += [busy.eq(~tiles.last), placed.eq(0)]
                                    m.d.comb += self.free.eq(held["streamed"])
        with m.Elif(busy & ~there & self.chunk.valid):
            m.d.sync += [x.eq(self._first_unit()) for x in (unit, weight_tile_unit, m_tile_unit)]
            m.d.sync += placed.eq(1)
        m.d.comb += self.hungry.eq(busy & ~there & ~self.chunk.valid)
        freed, end, chunk_end = Signal(), Signal.like(self.chunk.end), Signal.like(self.chunk.end)
        m.d.sync += [
            freed.eq(self.free),
            end.eq(self._end_word(after)),
            chunk_end.eq(self.chunk.end),
            self.misfit.eq(freed & (end != chunk_end)),
        ]
        return m

    def _first_unit(self):
        """Address of the first unit of the chunk; chunks begin with a word of the mask memory."""
        word = self.chunk.first >> (self.config.mask_word_bits // 32).bit_length() - 1
        return word << (self.config.mask_word_bits // self.config.mask_unit_bits).bit_length() - 1

    def _end_word(self, unit):
        """The first 32-bit word after the word of the mask memory that holds the unit before ``unit``."""
        units, parts = self.config.mask_word_bits // self.config.mask_unit_bits, self.config.mask_word_bits // 32
        return (unit + units - 1 >> units.bit_length() - 1) << parts.bit_length() - 1


class _Planes:
    """The loop over the planes of a ring, and where in the ring memory each begins."""

    def __init__(self, m: Module, walk: MaskWalk):
        self.command = walk.command
        self.here = walk.plane
        self.plane, self.top = Signal(WIDTHS["top_plane"]), Signal(WIDTHS["top_plane"])
        self.base, self.size = Signal.like(walk.plane), Signal(WIDTHS["ring_words"])
        self.first, self.last = Signal(name="first_plane"), Signal(name="last_plane")
        m.d.comb += [self.first.eq(self.plane == self.top), self.last.eq(self.plane == 0)]

    def take(self, m: Module) -> None:
        """Begin with the first plane of the command."""
        base = self.command.ring_base * RING_UNIT
        m.d.sync += [self.plane.eq(self.command.top_plane), self.top.eq(self.command.top_plane)]
        m.d.sync += [self.here.eq(base), self.base.eq(base), self.size.eq(self.command.ring_words)]

    def step(self, m: Module) -> None:
        """All weights of a plane have been fetched: go to the next, or back to the first."""
        m.d.sync += [self.plane.eq(self.plane - 1), self.here.eq(self.here + self.size)]
        with m.If(self.last):
            m.d.sync += [self.plane.eq(self.top), self.here.eq(self.base)]

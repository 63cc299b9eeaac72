"""The order in which weights are fetched, as supermask addresses and rewind, jump and commit marks for the signs."""

import itertools
from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND, in_codes, in_pairs, narrow, whole
from rtl.base.countdown import begin, countdown, step
from rtl.base.nest import Nest
from rtl.base.ports import Chunk, TileFetch
from spec.commands import RING_UNIT
from spec.config import AcceleratorConfig
from spec.extents import field_bits
from spec.lfsr import SIGN_WORD
from spec.order import Loop, loops_of
from spec.ring import WORDS_MAX
from spec.supermask import GROUP

__all__ = ["MaskWalk"]

#: Fields that are needed until the last fetch, beside those that count loops.
_HELD = ("coded", "streamed", "last_rows", "last_groups")


class MaskWalk(wiring.Component):
    """Fetches of a command in the order of :data:`spec.order.LOOPS`, and in every run one after another of its rows.

    The supermask is stored in the order of :data:`spec.order.STORED`, then rows; the other loops read it again. One
    fetch per cycle of ``advance``, the first in the cycle after ``take``.

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
        widths = field_bits(self.config)
        command = narrow(self.command, widths)
        loops = loops_of(rings=self.config.ring_words > 0)
        fields = sorted({*_HELD, *(loop.field for loop in loops)})
        held = Signal(data.StructLayout({name: widths[name] for name in fields}))
        busy, placed, there, first, fresh = Signal(), Signal(), Signal(), Signal(), Signal()
        row, rows = Signal(self.fetch.index.shape()), Signal(countdown(widths["last_rows"]), name="rows_left")
        nest = Nest(m, loops, rows.last, widths=widths)
        units = _Units(self.config, loops)
        after = Signal.like(units.here, name="after")
        planes = _Planes(self) if self.config.ring_words else None
        streamed = held.streamed if self.config.streams else Const(0)
        m.d.comb += [
            self.idle.eq(~busy),
            self.hungry.eq(busy & ~there & ~self.chunk.valid),
            there.eq(busy & (placed | ~streamed)),
            after.eq(units.here + Mux(in_codes(held, self.config.coded), 1, 2)),
            self.fetch.valid.eq(there),
            self.fetch.unit.eq(units.here),
            self.fetch.index.eq(row),
            self.fetch.last.eq(rows.last),
            self.fetch.start.eq(first & fresh),
            self.fetch.rewind.eq(first & ~fresh),
            self.fetch.commit.eq(nest.last["pass"]),
            self.fetch.second.eq(nest.last["pass"] & in_pairs(held, self.config.pairs)),
            self.fetch.partial.eq(nest.last["block"]),
            self.fetch.groups.eq(held.last_groups),
            self.fetch.words.eq((held.last_groups + (SIGN_WORD // GROUP - 1)) >> 2),
        ]

        def begin_rows(last_tile, last_rows):
            return [row.eq(0), *begin(rows, Mux(last_tile, last_rows, self.config.load_cycles))]

        with m.If(self.take):
            m.d.sync += [getattr(held, name).eq(getattr(command, name)) for name in fields]
            m.d.sync += [*begin_rows(command.tiles == 1, command.last_rows), *units.begin(command.mask_base)]
            m.d.sync += [first.eq(1), fresh.eq(1), busy.eq(1), placed.eq(0)]
            nest.begin(m, command)
            if planes:
                planes.begin(m)
        with m.Elif(self.advance & there):
            m.d.sync += [row.eq(row + 1), *step(rows)]
            nest.step(m, held)
            units.step(m, nest, after)
            with m.If(rows.last):
                m.d.sync += [*begin_rows(nest.last_after("m_tile", held), held.last_rows), first.eq(nest.ends["ky"])]
            with m.If(nest.ends["ky"]):
                m.d.sync += fresh.eq(nest.ends["pixel_tile"])
                if planes:
                    planes.step(m, nest.last["plane"])
            with m.If(nest.ends["pixel_tile"]):
                m.d.sync += [busy.eq(~nest.last["m_tile"]), placed.eq(0)]
                m.d.comb += self.free.eq(streamed)
        with m.Elif(busy & ~there & self.chunk.valid):
            m.d.sync += [placed.eq(1), *units.begin(self._first_unit())]
        if self.config.streams:
            self._judge(m, after)
        return m

    def _judge(self, m: Module, after: Signal) -> None:
        """Whether the chunk that is freed ended where its masks did: before unit ``after``."""
        bits = (self.config.mask_bits // 32).bit_length()  # no chunk reaches beyond the memory
        freed, end, chunk_end = Signal(), Signal(bits), Signal(bits)
        m.d.sync += [
            freed.eq(self.free),
            end.eq(self._end_word(after)),
            chunk_end.eq(self.chunk.end),
            self.misfit.eq(freed & (end != chunk_end)),
        ]

    def _first_unit(self):
        """Address of the first unit of the chunk; chunks begin with a word of the mask memory."""
        word = self.chunk.first >> (self.config.mask_word_bits // 32).bit_length() - 1
        return word << (self.config.mask_word_bits // self.config.mask_unit_bits).bit_length() - 1

    def _end_word(self, unit):
        """The first 32-bit word after the word of the mask memory that holds the unit before ``unit``."""
        units, parts = self.config.mask_word_bits // self.config.mask_unit_bits, self.config.mask_word_bits // 32
        return (unit + units - 1 >> units.bit_length() - 1) << parts.bit_length() - 1


class _Units:
    """Where the walk is in the mask memory, and where loops that read masks again go back to."""

    def __init__(self, config: AcceleratorConfig, loops: Sequence[Loop]):
        units = range(config.mask_words * (config.mask_word_bits // config.mask_unit_bits) + 1)
        self.here = Signal(units, name="unit")
        # Innermost first; loops right around one another that all read again go back to the same place.
        self._levels = [
            (Signal(units, name="_".join(["start", *names])) if again else None, names)
            for again, stretch in itertools.groupby(reversed(loops), lambda loop: loop.again)
            for names in [[loop.name for loop in stretch]]
        ]

    def begin(self, unit) -> list:
        """Statements: ``unit`` is the first of the walk, or of an m-tile that has a chunk of its own."""
        return [x.eq(unit) for x in (self.here, *(start for start, _ in self._levels if start is not None))]

    def step(self, m: Module, nest: Nest, after: Signal) -> None:
        """Go on to unit ``after``, or back where a loop goes round that reads again."""
        m.d.sync += self.here.eq(after)
        inner = [self.here]
        for start, names in self._levels:
            with m.If(Cat(nest.goes_on[name] for name in names).any()):
                m.d.sync += [x.eq(after if start is None else start) for x in inner]
            if start is not None:
                inner.append(start)


class _Planes:
    """Where in the ring memory the present plane begins."""

    def __init__(self, walk: MaskWalk):
        self._command = walk.command
        self._here = walk.plane
        self._base, self._size = Signal.like(walk.plane, name="base"), Signal(range(WORDS_MAX + 1), name="size")

    def begin(self, m: Module) -> None:
        """The highest plane of the command comes first."""
        base = self._command.ring_base * RING_UNIT
        m.d.sync += [self._here.eq(base), self._base.eq(base), self._size.eq(whole(self._command, "ring_words"))]

    def step(self, m: Module, last) -> None:
        """All weights of a plane have been fetched: go to the next, or from the ``last`` back to the first."""
        m.d.sync += self._here.eq(Mux(last, self._base, self._here + self._size))

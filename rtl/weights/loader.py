"""Fetches masks or ring words, regenerates signs, delivers the weights of the next tile while the present one runs."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.checked_ram import CheckedRam
from rtl.base.command import COMMAND, in_codes, in_pairs
from rtl.base.ports import Chunk, TileFetch, Weight, WordFault, WritePort
from rtl.weights.chunk_queue import ChunkQueue
from rtl.weights.expander import Expander
from rtl.weights.generator import WeightGenerator
from rtl.weights.mask_walk import MaskWalk
from rtl.weights.ring_memory import RingMemory
from spec.config import AcceleratorConfig

__all__ = ["WeightLoader"]


class _Form(data.Struct):
    """What the mask bits of a layer mean: see :class:`rtl.weights.expander.Expander`."""

    coded: 1
    pairs: 1


class WeightLoader(wiring.Component):
    """Weights of every tile and pass of a command, in the order of :class:`rtl.weights.mask_walk.MaskWalk`.

    A tile takes ``rows / weight_rows`` cycles, the rows of one fetch each. ``full`` says that a whole tile is in the
    shadow set; the next tile begins in the cycle of ``swap``. A command is taken whenever the walk is ``idle``, so the
    first tile of the next command is prepared while the last one runs.

    Timing: the first row is written ``weight_rows + 3`` cycles after ``take``, if the shadow set is free by then. The
    first row of an m-tile whose masks are streamed is written at the earliest 5 cycles after its chunk arrived. Of a
    layer that draws from a ring it is :attr:`AcceleratorConfig.ring_seeding` ``+ 4``: signs are made a cycle after a
    fetch has left the walk, ring words are addressed as it leaves.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    take : In(1)
        Take ``command``; only while ``idle``.
    command : In(COMMAND)
    idle : Out(1)
    swap : In(1)
        The shadow set becomes the active one; only while ``full``.
    full : Out(1)
    starved : Out(1)
        No row has come out of the mask memory.
    clear : In(1)
        Forget all chunks.
    chunk : In(Chunk)
        A chunk of streamed masks has arrived; only while there is ``room``.
    room : Out(1)
        There is a place for another chunk.
    hungry : Out(1)
        No row can be fetched before another chunk has arrived.
    misfit : Out(1)
        A chunk that was used was not as long as the masks of its m-tile.
    write, write_index, write_weights
        To :class:`rtl.weights.registers.WeightRegisters`.
    mask_write : In(WritePort)
        Of the mask memory, by 32-bit part.
    mask_fault : Out(WordFault)
        Masks taken were wrong.
    ring_write : In(WritePort)
        Of the ring memory. Not in a build without rings.
    ring_fault : Out(WordFault)
        A ring word taken was wrong. Not in a build without rings.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        rings = {
            "ring_write": In(WritePort(width=32, depth=config.ring_words, part=32)),
            "ring_fault": Out(WordFault(config.ring_words)),
        } if config.ring_words else {}
        super().__init__(rings | {
            "take": In(1),
            "command": In(COMMAND),
            "idle": Out(1),
            "swap": In(1),
            "full": Out(1),
            "starved": Out(1),
            "clear": In(1),
            "chunk": In(Chunk),
            "room": Out(1),
            "hungry": Out(1),
            "misfit": Out(1),
            "write": Out(1),
            "write_index": Out(range(config.load_cycles)),
            "write_weights": Out(data.ArrayLayout(Weight, config.weight_rows * config.groups)),
            "mask_write": In(WritePort(width=config.mask_word_bits, depth=config.mask_words, part=32)),
            "mask_fault": Out(WordFault(config.mask_words)),
        })
        self.masks = CheckedRam(
            width=config.mask_word_bits, depth=config.mask_words, protect=config.protect, far=True
        )
        self.rings = RingMemory(config) if config.ring_words else None

    def elaborate(self, platform):
        m = Module()
        config = self.config

        m.submodules.walk = walk = MaskWalk(config)
        m.submodules.signs = signs = WeightGenerator(
            fetches=config.load_cycles, ports=config.weight_rows, channels=config.word_bytes
        )
        m.submodules.masks = masks = self.masks
        wiring.connect(m, wiring.flipped(self.mask_write), masks.write)
        wiring.connect(m, masks.fault, wiring.flipped(self.mask_fault))
        if config.streams:
            self._stream(m, walk)

        # The fetch leaves the walk, is three cycles on its way through the mask memory and then writes its rows. Its
        # streams are looked up in the first of them; its signs, made in the next, wait in a register, so that they
        # stand with the mask.
        seeding = Signal()
        advance = Signal()
        begun = walk.fetch.valid & ~seeding
        addressed, read, fetch = Signal(TileFetch), Signal(TileFetch), Signal(TileFetch)
        taken, form, used = Signal(_Form), Signal(_Form), Signal(config.groups)
        m.d.comb += [
            self.idle.eq(walk.idle & ~addressed.valid & ~read.valid & ~fetch.valid & ~seeding),
            walk.take.eq(self.take),
            walk.command.eq(self.command),
            walk.advance.eq(advance & ~seeding),
            masks.read_address.eq(walk.fetch.unit >> (config.mask_word_bits // config.mask_unit_bits).bit_length() - 1),
            masks.read_enable.eq(advance),
            signs.load.eq(self.take),
            signs.seed.eq(self.command.seed),
        ]
        with m.If(self.take):
            m.d.sync += [taken.coded.eq(in_codes(self.command)), taken.pairs.eq(in_pairs(self.command))]
        m.d.comb += [
            form.coded.eq(taken.coded if config.coded is None else config.coded),
            form.pairs.eq(taken.pairs if config.pairs is None else config.pairs),
        ]
        with m.If(advance):
            m.d.sync += [addressed.eq(walk.fetch), read.eq(addressed), fetch.eq(read)]
            m.d.sync += used.eq(Cat(~read.partial | (g < read.groups) for g in range(config.groups)))
            m.d.sync += addressed.valid.eq(begun)

        self._write(m, fetch, advance)
        negative = self._negative(m, signs, addressed, advance)
        mask, codes = self._masks(m, masks, fetch)
        masked = self.write
        if config.ring_words:
            rings, ring = self._rings(m, walk, fetch, advance, seeding)
            masked = masked & ~ring
            m.d.comb += seeding.eq(signs.seeding | rings.seeding)
            # Raw bits of a port are C wide, as those of a ring are, so they are chosen before ports are told apart.
            mask = Mux(ring, rings.kept, mask)
            negative = negative ^ (rings.negative & ring.replicate(len(rings.negative)))
        else:
            m.d.comb += seeding.eq(signs.seeding)
        if config.protect:
            m.d.comb += masks.used.eq(self._mask_parts(fetch, form.coded) & masked.replicate(len(masks.used)))
        self._expand(m, (mask, codes), negative, fetch, form, used)
        return m

    def _stream(self, m: Module, walk: MaskWalk) -> None:
        """Of streamed masks the walk is told which chunks are there."""
        m.submodules.chunks = chunks = ChunkQueue()
        m.d.comb += [
            chunks.chunk.eq(self.chunk),
            chunks.clear.eq(self.clear),
            chunks.free.eq(walk.free),
            walk.chunk.eq(chunks.head),
            self.room.eq(chunks.room),
            self.hungry.eq(walk.hungry),
            self.misfit.eq(walk.misfit),
        ]

    def _write(self, m: Module, fetch: data.View, advance: Signal) -> None:
        """Rows of the next tile wait until the shadow set is free."""
        blocked = self.full & ~self.swap
        last_written = Signal()
        m.d.comb += [
            advance.eq(~(fetch.valid & blocked)),
            self.starved.eq(~fetch.valid),
            self.write.eq(fetch.valid & ~blocked),
            self.write_index.eq(fetch.index),
            last_written.eq(self.write & fetch.last),
        ]
        m.d.sync += self.full.eq(last_written | (self.full & ~self.swap))

    def _negative(self, m: Module, signs: WeightGenerator, fetch: data.View, advance: Signal) -> Signal:
        """Signs of the fetch that stands at the masks, made from those of the ``fetch`` that has been addressed."""
        negative = Signal.like(signs.signs)
        m.d.comb += [
            signs.fetch.eq(fetch.valid & advance),
            signs.index.eq(fetch.index),
            signs.start.eq(fetch.start),
            signs.rewind.eq(fetch.rewind),
            signs.commit.eq(fetch.commit),
            signs.words.eq(Mux(fetch.partial, fetch.words, self.config.sign_words)),
        ]
        with m.If(advance):
            m.d.sync += negative.eq(signs.signs)
        return negative

    def _rings(self, m: Module, walk: MaskWalk, fetch, advance, seeding) -> tuple[RingMemory, Signal]:
        """The ring memory behind the same fetches, and whether the command draws from it."""
        m.submodules.rings = rings = self.rings
        ring = Signal()
        with m.If(self.take):
            m.d.sync += ring.eq(self.command.ring)
        m.d.comb += [
            rings.take.eq(self.take & self.command.ring),
            rings.command.eq(self.command),
            rings.advance.eq(advance),
            rings.fetch.eq(walk.fetch),
            rings.fetch.valid.eq(walk.fetch.valid & ~seeding),
            rings.plane.eq(walk.plane),
            rings.used.eq(fetch),
            rings.used.valid.eq(self.write & ring),
        ]
        wiring.connect(m, wiring.flipped(self.ring_write), rings.write)
        wiring.connect(m, rings.fault, wiring.flipped(self.ring_fault))
        return rings, ring

    def _mask_parts(self, fetch, coded: Signal) -> Value:
        """The 32-bit parts of a mask word that a fetch takes: of codes in a word of several only one half."""
        parts = self.config.mask_word_bits // 32
        if parts == 1:
            return Const(1)
        halves = (~(coded & fetch.unit[0]), ~(coded & ~fetch.unit[0]))
        return Cat(halves[part * 2 // parts] for part in range(parts))

    def _masks(self, m: Module, masks: CheckedRam, fetch) -> tuple[Signal, Signal]:
        """The two units of a fetch of raw bits, which begin at an even one, and the one of a fetch of codes."""
        config = self.config
        unit = config.mask_unit_bits
        units = Array(masks.read_data.word_select(i, unit) for i in range(config.mask_word_bits // unit))
        index = Signal(range(len(units)))
        bits, codes = Signal(2 * unit), Signal(unit)
        m.d.comb += [
            index.eq(fetch.unit),
            bits.eq(Cat(units[index & ~1], units[index | 1])),
            codes.eq(units[index]),
        ]
        return bits, codes

    def _expand(self, m: Module, masks: tuple[Signal, Signal], signs, fetch, form: _Form, used: Signal) -> None:
        """One expander per row that is fetched at a time; ``masks`` are its raw bits and its codes."""
        channels, (bits, codes) = self.config.word_bytes, masks
        for port in range(self.config.weight_rows):
            m.submodules[f"expander{port}"] = expander = Expander(groups=self.config.groups)
            weights = self.write_weights.as_value().word_select(port, expander.weights.as_value().shape().width)
            m.d.comb += [
                expander.mask.eq(bits.word_select(port, channels)),
                expander.codes.eq(codes.word_select(port, channels // 2)),
                expander.signs.eq(signs.word_select(port, channels)),
                expander.coded.eq(form.coded),
                expander.pairs.eq(form.pairs),
                expander.second.eq(fetch.second),
                expander.used.eq(used),
                weights.eq(expander.weights),
            ]

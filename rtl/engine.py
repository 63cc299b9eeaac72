"""The engine: sequencer, weights, PE array, results and memories, without the host's buses."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.accumulator import Accumulator
from rtl.activation_memory import ActivationMemory
from rtl.address_generator import AddressGenerator
from rtl.command import COMMAND
from rtl.counters import Cause
from rtl.exporter import Exporter
from rtl.frame_sender import FrameWord
from rtl.max_pool import MaxPool
from rtl.packet_loader import Chunk, MemoryWrite
from rtl.pe_array import PeArray, row_sum_bits
from rtl.register_port import CommandError, Position
from rtl.results import Results
from rtl.sequencer import Sequencer
from rtl.weight_loader import WeightLoader
from spec.commands import ADDRESS_BITS, Op, Source
from spec.config import AcceleratorConfig
from spec.packets import Target

__all__ = ["Engine"]


class Engine(wiring.Component):
    """Runs programs on the memories.

    A command begins when the one before it has stored its last result, so a layer may read what the last one wrote.
    Commands are fetched, and their first weights prepared, while the one before runs.

    Timing: :mod:`gen.cycles` gives the cycles of every command exactly.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    start : In(1)
        Only while not ``busy``.
    program_start : In(16)
    busy : Out(1)
    done : Out(1)
        Last cycle of an inference.
    cause : Out(Cause)
        What this cycle is spent on, while ``busy``.
    position : Out(Position)
    error : Out(CommandError)
    load : In(MemoryWrite())
        Only while not ``busy``, except for ``MASK_STREAM``.
    chunk : In(Chunk)
        A chunk of streamed masks has been written; only while there is ``room``. A start forgets all chunks.
    room : Out(1)
        There is a place for another chunk.
    hungry : Out(1)
        The mask fetches wait for another chunk.
    misfit : Out(1)
        A chunk was not as long as the masks of its m-tile; the inference is of no use.
    words : Out(stream.Signature(FrameWord))
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "start": In(1),
            "program_start": In(16),
            "busy": Out(1),
            "done": Out(1),
            "cause": Out(Cause),
            "position": Out(Position),
            "error": Out(CommandError),
            "load": In(MemoryWrite()),
            "chunk": In(Chunk),
            "room": Out(1),
            "hungry": Out(1),
            "misfit": Out(1),
            "words": Out(stream.Signature(FrameWord)),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.sequencer = sequencer = Sequencer(commands=config.commands)
        m.submodules.weights = weights = WeightLoader(config)
        m.submodules.addresses = addresses = AddressGenerator(rings=config.ring_words > 0)
        m.submodules.array = array = PeArray(groups=config.groups, rows=config.rows, lanes=config.weight_rows)
        m.submodules.accumulator = accumulator = Accumulator(
            rows=config.rows, depth=config.psum_depth, sum_bits=row_sum_bits(config.groups), acc_bits=config.widths.acc,
            rings=config.ring_words > 0,
        )
        m.submodules.results = results = Results(config)
        m.submodules.pool = pool = MaxPool(word_bytes=config.word_bytes, rows=config.rows)
        m.submodules.exporter = exporter = Exporter(
            word_bytes=config.word_bytes, rows=config.rows, acc_bits=config.widths.acc
        )
        memories = {}
        for name, words in (("x", config.x_words), ("t", config.t_words)):
            memories[name] = ActivationMemory(word_bytes=config.word_bytes, rows=config.rows, words=words)
            m.submodules[name] = memories[name]

        # The command in execution. The weight loader is a command ahead of it and keeps its own copy.
        command, classify = Signal(COMMAND), Signal()
        drained, begin = Signal(name="drained"), Signal()
        self._hand_over(m, sequencer, weights, addresses, results, pool, exporter, command, drained, begin)
        m.d.comb += classify.eq(command.op == Op.CLASSIFY)

        advance = Signal()
        m.d.comb += [
            advance.eq(~addresses.upcoming | weights.full),
            addresses.advance.eq(advance),
            addresses.command.eq(command),
            pool.command.eq(command),
            addresses.sum_positions.eq(classify),
            array.swap.eq(addresses.upcoming & advance),
            weights.swap.eq(array.swap),
            array.write.eq(weights.write),
            array.write_group.eq(weights.write_group),
            array.write_weights.eq(weights.write_weights),
            results.command.eq(command),
        ]
        in_array = Signal()
        m.d.comb += in_array.eq(addresses.beat.valid & advance)
        summing = self._connect_sums(m, addresses, array, accumulator, results, exporter, in_array, classify, begin)
        self._connect_memories(m, memories, addresses, array, results, pool, exporter, command, advance)
        self._connect_host(m, sequencer, weights, results, memories)
        wiring.connect(m, wiring.flipped(self.words), exporter.words)

        m.d.comb += drained.eq(~begin & ~addresses.busy & ~summing & ~results.pending & ~pool.busy & ~exporter.busy)
        self._account(m, in_array, advance, weights, addresses, summing, results, pool, exporter)
        return m

    def _hand_over(self, m, sequencer, weights, addresses, results, pool, exporter, command, drained, begin) -> None:
        """Start, pass on each command to the units that execute it, and end.

        A command is copied in the cycle of ``take`` and begins in the next one.
        """
        following = sequencer.command
        take, weighted, prepared, layer_begins = Signal(), Signal(), Signal(), Signal()
        entry_offset = Signal.like(sequencer.entry_offset)
        m.d.comb += [
            sequencer.start.eq(self.start),
            sequencer.first.eq(self.program_start),
            weighted.eq((following.op == Op.CONV) | (following.op == Op.CLASSIFY)),
            weights.command.eq(following),
            weights.take.eq(sequencer.ready & weighted & ~prepared & weights.idle),
            take.eq(sequencer.ready & drained & (~weighted | prepared | weights.take)),
            sequencer.taken.eq(take),
            layer_begins.eq(begin & ((command.op == Op.CONV) | (command.op == Op.CLASSIFY))),
            addresses.take.eq(layer_begins),
            results.take.eq(layer_begins),
            results.entry_offset.eq(entry_offset),
            pool.take.eq(begin & (command.op == Op.MAXPOOL)),
            exporter.start.eq(begin & (command.op == Op.STORE)),
            exporter.base.eq(command.source_base),
            exporter.count.eq(command.count),
            exporter.from_psum.eq(command.source == Source.PSUM),
            self.position.eq(sequencer.position),
            self.error.eq(sequencer.error),
            self.done.eq(self.busy & sequencer.halted & drained),
        ]
        m.d.sync += [prepared.eq((prepared | weights.take) & ~take), begin.eq(take)]
        with m.If(take):
            m.d.sync += [command.eq(following), entry_offset.eq(sequencer.entry_offset)]
        with m.If(self.start):
            m.d.sync += self.busy.eq(1)
        with m.Elif(self.done):
            m.d.sync += self.busy.eq(0)

    def _connect_sums(self, m, addresses, array, accumulator, results, exporter, in_array, classify, begin) -> Signal:
        """Carry each beat's marks along its sums. Returns whether any sum is still on its way."""
        beat = addresses.beat
        array_latency = array.latency
        depth = self.config.psum_depth
        following_pixel, pixel = Signal(range(depth)), Signal(range(depth))
        m.d.comb += pixel.eq(Mux(beat.first, 0, following_pixel))
        with m.If(in_array):
            m.d.sync += following_pixel.eq(pixel + 1)

        def history(name: str, now) -> list:
            """``now``, and its value in each of the cycles before, up to the one whose sum is being written."""
            values = [now]
            for age in range(1, array_latency + 2):
                values.append(Signal.like(values[-1], name=f"{name}{age}"))
                m.d.sync += values[-1].eq(values[-2])
            return values

        valid = history("sum_valid", in_array)
        start = history("sum_start", beat.start)
        if self.config.ring_words:
            m.d.comb += accumulator.triple.eq(history("sum_triple", addresses.triple)[array_latency])
        last = history("sum_last", in_array & beat.last)
        pixels = history("pixel", pixel)

        # The classifier leaves one word of sums per channel tile.
        classified = Signal(range(depth))
        with m.If(begin):
            m.d.sync += classified.eq(0)
        with m.Elif(classify & accumulator.write):
            m.d.sync += classified.eq(classified + 1)

        now = array_latency  # the sums stand in this cycle, acc one later
        ahead = now - 2  # addressed Ram.LATENCY cycles before the sums
        m.d.comb += [
            accumulator.read_address.eq(Mux(exporter.busy, exporter.address, pixels[ahead])),
            accumulator.valid.eq(valid[now]),
            accumulator.start.eq(start[now]),
            accumulator.accumulate.eq(classify),
            accumulator.sums.eq(array.sums),
            accumulator.carries.eq(array.carries),
            accumulator.write.eq(valid[now + 1] & (last[now + 1] == classify)),
            accumulator.write_address.eq(Mux(classify, classified, pixels[now + 1])),
            results.announce.eq(last[ahead + 1] & ~classify),
            results.acc.eq(accumulator.acc),
            exporter.psum.eq(accumulator.psum),
        ]
        return Cat(valid).any()

    def _connect_memories(self, m, memories, addresses, array, results, pool, exporter, command, advance) -> None:
        """Each memory is read by the array, the residual, the pool or the exporter, whichever the command means, and
        written by the requantizers or the pool."""
        padding = addresses.beat.inside.replicate(8 * self.config.word_bytes)
        from_t = command.source == Source.T
        word = Signal(8 * self.config.word_bytes)
        input_address = Signal(ADDRESS_BITS)
        m.d.comb += [
            word.eq(Mux(from_t, memories["t"].word, memories["x"].word)),
            array.word.eq(word & padding),
            results.residual_word.eq(memories["x"].word),
            pool.word.eq(word),
            exporter.word.eq(word),
            input_address.eq(Mux(pool.busy, pool.address, addresses.address)),
        ]
        for name, memory in memories.items():
            reads_input = from_t if name == "t" else ~from_t
            m.d.comb += [
                memory.read_address.eq(
                    Mux(exporter.busy, exporter.address, Mux(reads_input, input_address, results.residual_address))
                ),
                memory.read_enable.eq(advance | exporter.busy | ~reads_input),
                memory.result_write.eq((results.write | pool.write) & (command.to_t == (name == "t"))),
                memory.result_address.eq(Mux(pool.write, pool.write_address, results.write_address)),
                memory.result_column.eq(Mux(pool.write, pool.write_column, results.write_column)),
                memory.result.eq(Mux(pool.write, pool.y, results.y)),
                memory.host_write.eq(self.load.en & (self.load.target == (Target.T if name == "t" else Target.X))),
                memory.host_address.eq(self.load.address),
                memory.host_data.eq(self.load.data),
            ]

    def _connect_host(self, m, sequencer, weights, results, memories) -> None:
        """Program, masks and entries come as 32-bit words; wide memories take one part of a word at a time."""
        load = self.load
        mask_bits = (self.config.mask_word_bits // 32 - 1).bit_length()
        row_bits = (self.config.rows - 1).bit_length()
        m.d.comb += [
            sequencer.write_address.eq(load.address),
            sequencer.write_data.eq(load.data),
            sequencer.write_enable.eq(load.en & (load.target == Target.PROGRAM)),
            weights.mask_write_address.eq(load.address >> mask_bits),
            weights.mask_write_data.eq(load.data.replicate(1 << mask_bits)),
            results.entry_write_address.eq(load.address >> row_bits),
            results.entry_write_data.eq(load.data.replicate(self.config.rows)),
            weights.clear.eq(self.start),
            weights.chunk.eq(self.chunk),
            self.room.eq(weights.room),
            self.hungry.eq(weights.hungry),
            self.misfit.eq(weights.misfit),
        ]
        with m.If(load.en & ((load.target == Target.MASK) | (load.target == Target.MASK_STREAM))):
            m.d.comb += weights.mask_write_enable.eq(1 << load.address[:mask_bits])
        if self.config.ring_words:
            m.d.comb += [
                weights.ring_write_address.eq(load.address),
                weights.ring_write_data.eq(load.data),
                weights.ring_write_enable.eq(load.en & (load.target == Target.RING)),
            ]
        with m.If(load.en & (load.target == Target.ENTRIES)):
            m.d.comb += results.entry_write_enable.eq(1 << load.address[:row_bits])

    def _account(self, m, in_array, advance, weights, addresses, summing, results, pool, exporter) -> None:
        """Name the cause of every cycle."""
        with m.If(in_array):
            m.d.comb += self.cause.eq(Cause.ARRAY)
        with m.Elif(~advance & weights.starved):
            m.d.comb += self.cause.eq(Cause.MASK_WAIT)
        with m.Elif(~advance):
            m.d.comb += self.cause.eq(Cause.WEIGHT_LOAD)
        with m.Elif(addresses.beat.filler | summing):
            m.d.comb += self.cause.eq(Cause.DRAIN)
        with m.Elif(results.pending):
            m.d.comb += self.cause.eq(Cause.REQUANTIZE)
        with m.Elif(pool.busy):
            m.d.comb += self.cause.eq(Cause.POOL)
        with m.Elif(exporter.busy):
            m.d.comb += self.cause.eq(Cause.HOST)
        with m.Else():
            m.d.comb += self.cause.eq(Cause.SEQUENCER)

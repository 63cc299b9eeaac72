"""The engine: what decides, once, and the lanes that do as it says; without the host's buses."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND
from rtl.base.history import history
from rtl.base.ports import (
    INDEX_BITS,
    Cause,
    Chunk,
    CommandError,
    FrameWord,
    LaneControl,
    MemoryFault,
    MemoryWrite,
    Position,
)
from rtl.base.ram import Ram
from rtl.control.address_generator import AddressGenerator
from rtl.control.causes import Doing, name_cause
from rtl.control.max_pool import MaxPool
from rtl.control.results import Results
from rtl.control.sequencer import Sequencer
from rtl.control.store import Store
from rtl.control.turns import Turns
from rtl.lane.lane import WORD_TRAVEL, Lane, sums_latency
from rtl.weights.loader import WeightLoader
from rtl.weights.registers import WeightRegisters
from spec.commands import Op, Source
from spec.config import AcceleratorConfig
from spec.extents import field_bits
from spec.packets import Target

__all__ = ["Engine"]


class _Decoded(data.Struct):
    """What the command in execution does, in registers of its own: all over the lanes they choose and address."""

    sum: 1  #: A layer with weights.
    classify: 1  #: The same, with its sums added up over all positions.
    store: 1
    pool: 1
    read_t: 1  #: Its source is the T memory.


class Engine(wiring.Component):
    """Runs programs on the memories.

    A command begins when the one before it has stored its last result, so a layer may read what the last one wrote.
    Commands are fetched, and their first weights prepared, while the one before runs. All lanes do the same in the same
    cycle, each with an image of its own: signs, masks, weights, addresses and entries are made once for all.

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
    load : In(MemoryWrite(lanes))
        Only while not ``busy``, except for ``MASK_STREAM``. A clear, which must follow a reset, zeroes psums too: a
        word per cycle, the first one first.
    chunk : In(Chunk)
        A chunk of streamed masks has been written; only while there is ``room``. A start forgets all chunks.
    room : Out(1)
        There is a place for another chunk.
    hungry : Out(1)
        The mask fetches wait for another chunk.
    misfit : Out(1)
        A chunk was not as long as the masks of its m-tile; the inference is of no use.
    fault : Out(MemoryFault)
        A word of a memory was wrong that was taken three cycles before; the inference is of no use.
    words : Out(stream.Signature(FrameWord))
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "start": In(1),
            "program_start": In(INDEX_BITS),
            "busy": Out(1),
            "done": Out(1),
            "cause": Out(Cause),
            "position": Out(Position),
            "error": Out(CommandError),
            "load": In(MemoryWrite(config.lanes)),
            "chunk": In(Chunk),
            "room": Out(1),
            "hungry": Out(1),
            "misfit": Out(1),
            "fault": Out(MemoryFault),
            "words": Out(stream.Signature(FrameWord)),
        })
        widths = field_bits(config)
        self.sequencer = Sequencer(
            commands=config.commands, protect=config.protect, max_pool=config.max_pool, widths=widths
        )
        self.weights = WeightLoader(config)
        self.summed = sums_latency(config.groups)  #: The age of a beat whose sums stand; acc follows.
        turns = config.rows_per_requantizer
        self.turns = turns > 1 and Turns(turns=turns, depth=config.results_depth, delay=self.summed + 1)
        self.addresses = AddressGenerator(
            rings=config.ring_words > 0, address_bits=config.address_bits, widths=widths, pairs=config.pairs,
            pools=config.max_pool, foresees=turns > 1,
        )
        self.registers = WeightRegisters(groups=config.groups, rows=config.rows, write_rows=config.weight_rows)
        self.results = Results(config)
        self.pool = MaxPool(
            word_bytes=config.word_bytes, rows=config.rows, address_bits=config.address_bits, widths=widths
        ) if config.max_pool else None
        self.store = Store(
            word_bytes=config.word_bytes, rows=config.rows, lanes=config.lanes, acc_bits=config.widths.acc,
            count_bits=widths["count"], address_bits=config.address_bits,
        )
        self.lanes = [Lane(config) for _ in range(config.lanes)]
        self.control = LaneControl(config).create(path=("control",))
        # The command in execution. The weight loader is a command ahead of it and keeps its own copy.
        self.command, self.does = Signal(COMMAND, name="command"), Signal(_Decoded, name="does")
        self.begin, self.drained = Signal(name="begin"), Signal(name="drained")
        self.advance, self.in_array = Signal(name="advance"), Signal(name="in_array")
        self.pooling = Signal(name="pooling")
        self.summing = Signal(name="summing")  #: A sum is on its way that has left the words.
        #: A result is on its way that has left the sums.
        self.storing = self.results.pending | self.turns.busy if self.turns else self.results.pending

    def elaborate(self, platform):
        m = Module()
        m.submodules.sequencer = self.sequencer
        m.submodules.weights = self.weights
        m.submodules.addresses = self.addresses
        m.submodules.registers = self.registers
        m.submodules.results = self.results
        if self.turns:
            m.submodules.turns = self.turns
        if self.pool:
            m.submodules.pool = self.pool
        m.submodules.store = self.store
        for number, lane in enumerate(self.lanes):
            m.submodules[f"lane{number}"] = lane
        wiring.connect(m, self.control, *(lane.control for lane in self.lanes))
        wiring.connect(m, wiring.flipped(self.words), self.store.words)
        self._hand_over(m)
        self._connect_weights(m)
        self._connect_sums(m)
        self._connect_memories(m)
        self._connect_host(m)
        self._account(m)
        self._report_faults(m)
        if self.pool:
            self._connect_pool(m)  # Last: the first driven of two signals called busy keeps its name, which waves show.
        return m

    def _connect_pool(self, m: Module) -> None:
        """The max pool executes commands of its own, with addresses of the array's words."""
        wiring.connect(m, self.pool.windows, self.addresses.windows)
        m.d.comb += [
            self.pool.command.eq(self.command),
            self.pool.take.eq(self.begin & self.does.pool),
            self.pooling.eq(self.pool.busy),
            self.pool.inside.eq(self.addresses.beat.inside),
            self.control.pool_step.eq(self.pool.step),
            self.control.pooled.eq(self.pool.store.enable),
        ]

    def _hand_over(self, m: Module) -> None:
        """Start, pass on each command to the units that execute it, and end.

        A command is copied in the cycle of ``take`` and begins in the next one.
        """
        sequencer, weights, command, does = self.sequencer, self.weights, self.command, self.does
        following = sequencer.command
        take, weighted, prepared, layer_begins = Signal(), Signal(), Signal(), Signal()
        entry_offset = Signal.like(sequencer.entry_offset)
        m.d.comb += [
            sequencer.start.eq(self.start),
            sequencer.first.eq(self.program_start),
            weighted.eq((following.op == Op.CONV) | (following.op == Op.CLASSIFY)),
            weights.command.eq(following),
            weights.take.eq(sequencer.ready & weighted & ~prepared & weights.idle),
            take.eq(sequencer.ready & self.drained & (~weighted | prepared | weights.take)),
            sequencer.taken.eq(take),
            layer_begins.eq(self.begin & does.sum),
            self.addresses.take.eq(layer_begins),
            self.results.take.eq(layer_begins),
            self.results.entry_offset.eq(entry_offset),
            self.store.start.eq(self.begin & does.store),
            self.store.base.eq(command.source_base),
            self.store.count.eq(command.count),
            self.store.from_psum.eq(command.source == Source.PSUM),
            self.store.lane.eq(command.lane),
            self.position.eq(sequencer.position),
            self.error.eq(sequencer.error),
            self.done.eq(self.busy & sequencer.halted & self.drained),
            self.drained.eq(
                ~self.begin & ~self.addresses.busy & ~self.summing & ~self.storing & ~self.pooling
                & ~self.store.busy
            ),
        ]
        m.d.sync += [prepared.eq((prepared | weights.take) & ~take), self.begin.eq(take)]
        with m.If(take):
            m.d.sync += [
                command.eq(following),
                entry_offset.eq(sequencer.entry_offset),
                does.sum.eq(weighted),
                does.classify.eq(following.op == Op.CLASSIFY),
                does.store.eq(following.op == Op.STORE),
                does.pool.eq(following.op == Op.MAXPOOL),
                does.read_t.eq(following.source == Source.T),
            ]
        with m.If(self.start):
            m.d.sync += self.busy.eq(1)
        with m.Elif(self.done):
            m.d.sync += self.busy.eq(0)

    def _connect_weights(self, m: Module) -> None:
        """The next weights become the present ones with the first beat of a run, which waits for them; if it finishes
        sums, it waits for requantizers, too.

        A word meets them a cycle after it has arrived, when its candidates stand: so they are as late, all alike.
        """
        addresses, weights, registers, control = self.addresses, self.weights, self.registers, self.control
        ready = weights.full
        if self.turns:
            ready = ready & (~addresses.finishing | self.turns.free)
        m.d.comb += [
            self.advance.eq(~addresses.upcoming | ready),
            self.in_array.eq(addresses.beat.valid & self.advance),
            addresses.advance.eq(self.advance),
            addresses.command.eq(self.command),
            addresses.sum_positions.eq(self.does.classify),
            weights.swap.eq(addresses.upcoming & self.advance),
            *(row.eq(active) for row, active in zip(control.weights, registers.weights, strict=True)),
        ]
        for name in ("swap", "write", "write_index", "write_weights"):
            m.d.comb += getattr(registers, name).eq(history(m, name, getattr(weights, name), WORD_TRAVEL + 1)[-1])

    def _connect_sums(self, m: Module) -> None:
        """Carry each beat's marks along its sums."""
        beat, classify, step, in_array = self.addresses.beat, self.does.classify, self.control.sum, self.in_array
        depth = self.config.psum_depth
        summed = self.summed
        ahead = summed - Ram.LATENCY  # its psums are addressed
        following_pixel, pixel = Signal(range(depth)), Signal(range(depth))
        m.d.comb += pixel.eq(Mux(beat.first, 0, following_pixel))
        # While the host clears, sums of nothing begin anew at one pixel after another; after a reset no word is inside.
        clear = self.load.clear
        with m.If(in_array | clear):
            m.d.sync += following_pixel.eq(pixel + 1)

        def ages(name: str, now) -> list:
            """By age, up to that of the beat whose sum is being written."""
            return history(m, name, now, summed + 1)

        valid = ages("sum_valid", in_array | clear)
        add_psum = ages("add_psum", ~beat.start & ~classify & ~clear)
        if self.config.ring_words:
            m.d.comb += step.triple.eq(ages("sum_triple", self.addresses.triple)[summed])
        last = ages("sum_last", in_array & beat.last)
        due = ages("result_due", in_array & beat.last & ~classify)
        pixels = ages("pixel", pixel)

        # The classifier leaves one word of sums per channel tile.
        classified = Signal(range(depth))
        with m.If(self.begin):
            m.d.sync += classified.eq(0)
        with m.Elif(classify & step.write):
            m.d.sync += classified.eq(classified + 1)

        m.d.comb += [
            step.read_address.eq(Mux(self.does.store, self.store.address, pixels[ahead])),
            step.valid.eq(valid[summed]),
            step.add_psum.eq(add_psum[summed]),
            step.keep.eq(classify & ~last[summed]),
            step.write.eq(valid[summed + 1] & (last[summed + 1] == classify)),
            step.write_address.eq(Mux(classify, classified, pixels[summed + 1])),
        ]
        m.d.sync += self.summing.eq(Cat(valid[:-1]).any())
        if self.turns:
            self._take_turns(m, due)
        else:
            m.d.comb += [
                step.complete.eq(due[summed]),
                self.results.soon.eq(due[ahead]),
                self.results.announce.eq(due[ahead + 1]),
            ]

    def _take_turns(self, m: Module, due: list) -> None:
        """Finished sums wait for the requantizers. ``due``: a beat finishes a sum, by age."""
        turns, step, results, control = self.turns, self.control.sum, self.results, self.control
        m.d.sync += results.announce.eq(results.soon)
        m.d.comb += [
            turns.due.eq(due[0]),
            turns.finished.eq(due[self.summed + 1]),
            step.finish.eq(turns.finished),
            step.finish_address.eq(turns.finish_address),
            step.taken_address.eq(turns.taken_address),
            results.soon.eq(turns.soon),
            results.turn.eq(turns.turn),
            control.sums_turn.eq(results.sums_turn),
            control.result_turn.eq(results.result_turn),
        ]

    def _connect_memories(self, m: Module) -> None:
        """Each memory is read by the array, the residual, the pool or the store, whichever the command means, and
        written by the requantizers or the pool."""
        control, results, does, advance = self.control, self.results, self.does, self.advance
        input_address, stored = Signal(self.config.address_bits), control.store
        store = self.pool.store if self.pool else results.store
        m.d.comb += [
            results.command.eq(self.command),
            control.command.eq(self.command),
            control.entries.eq(results.entries),
            control.residual_column.eq(results.residual_column),
            input_address.eq(self.addresses.address),
            control.inside.eq(self.addresses.beat.inside),
            control.second.eq(self.addresses.beat.second),
            control.x_read.address.eq(
                Mux(does.store, self.store.address, Mux(does.read_t, results.residual_address, input_address))
            ),
            control.x_read.enable.eq(advance | does.store | does.read_t),
            control.t_read.address.eq(Mux(does.store, self.store.address, input_address)),
            control.t_read.enable.eq(advance | does.store),
            control.store_t.eq(self.command.to_t),
            stored.enable.eq(results.store.enable | store.enable),
            stored.address.eq(Mux(store.enable, store.address, results.store.address)),
            stored.column.eq(Mux(store.enable, store.column, results.store.column)),
        ]
        for number, lane in enumerate(self.lanes):
            m.d.comb += [self.store.words_read[number].eq(lane.word), self.store.psums_read[number].eq(lane.psum)]

    def _connect_host(self, m: Module) -> None:
        """Program, masks and entries come as 32-bit words; wide memories take one part of a word at a time."""
        load, sequencer, weights, results = self.load, self.sequencer, self.weights, self.results
        mask_bits = (self.config.mask_word_bits // 32 - 1).bit_length()
        entries = self.config.requantizers  # in a word of their memory
        entry_bits = (entries - 1).bit_length()
        m.d.comb += [
            sequencer.write.address.eq(load.address),
            sequencer.write.data.eq(load.data),
            sequencer.write.enable.eq(load.en & (load.target == Target.PROGRAM)),
            self.control.host_address.eq(load.address),
            self.control.host_data.eq(load.data),
            weights.mask_write.address.eq(load.address >> mask_bits),
            weights.mask_write.data.eq(load.data.replicate(1 << mask_bits)),
            results.entry_write.address.eq(load.address >> entry_bits),
            results.entry_write.data.eq(load.data.replicate(entries)),
            weights.clear.eq(self.start),
            weights.chunk.eq(self.chunk),
            self.room.eq(weights.room),
            self.hungry.eq(weights.hungry),
            self.misfit.eq(weights.misfit),
        ]
        for number, lane in enumerate(self.lanes):
            here = load.en & (load.lane == number)
            m.d.comb += lane.host_x.eq(here & (load.target == Target.X) | load.clear)
            m.d.comb += lane.host_t.eq(here & (load.target == Target.T) | load.clear)
        with m.If(load.en & ((load.target == Target.MASK) | (load.target == Target.MASK_STREAM))):
            m.d.comb += weights.mask_write.enable.eq(1 << load.address[:mask_bits])
        if self.config.ring_words:
            m.d.comb += [
                weights.ring_write.address.eq(load.address),
                weights.ring_write.data.eq(load.data),
                weights.ring_write.enable.eq(load.en & (load.target == Target.RING)),
            ]
        with m.If(load.en & (load.target == Target.ENTRIES)):
            m.d.comb += results.entry_write.enable.eq(1 << load.address[:entry_bits])

    def _account(self, m: Module) -> None:
        """Name the cause of every cycle."""
        doing = Signal(Doing, name="doing")
        m.d.comb += [
            doing.sums.eq(self.in_array),
            doing.waits.eq(~self.advance),
            doing.full.eq(self.weights.full if self.turns else 0),
            doing.starved.eq(self.weights.starved),
            doing.drains.eq(self.addresses.beat.filler | self.summing),
            doing.stores.eq(self.storing),
            doing.pools.eq(self.pooling),
            doing.sends.eq(self.store.busy),
        ]
        name_cause(m, doing, self.cause)

    def _report_faults(self, m: Module) -> None:
        """One of the words that were wrong in the cycle before."""
        wrong = [
            (Target.PROGRAM, self.sequencer.fault, 1),
            (Target.MASK, self.weights.mask_fault, self.config.mask_word_bits // 32),
            (Target.ENTRIES, self.results.fault, self.config.requantizers),
        ]
        if self.config.ring_words:
            wrong.append((Target.RING, self.weights.ring_fault, 1))
        m.d.sync += self.fault.valid.eq(Cat(word.valid for _, word, _ in wrong).any())
        for target, word, parts in wrong:
            with m.If(word.valid):
                m.d.sync += [self.fault.target.eq(target), self.fault.address.eq(word.address * parts)]

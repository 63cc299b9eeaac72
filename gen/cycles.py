"""Cycles of a program: equal to the hardware's counters when the host never stalls it.

All lanes work in the same cycles, so these are the cycles of one inference of as many images as there are lanes.

A tile of weights is loaded while the one before it runs, so a run of ``r`` pixels followed by a tile of ``n`` weight
fetches takes ``max(r, TURNAROUND, n)`` cycles. Around every command come the cycles to fill and empty the pipeline.
A layer that draws from a ring does all this once per plane. Where rows take turns at the requantizers, a run that
finishes sums also waits until those of the run before it have had their turns (:class:`gen.turns.Turns`). The constants
below are latencies of :mod:`rtl`, written as differences of register stages.

For streamed masks a host that never stalls is one whose first chunk waits at the start and that offers a word in every
cycle from then on. When chunks arrive then depends on when earlier ones are done with and the other way round, so the
fetches of such layers are followed one by one (:mod:`gen.streaming`), repetitions left out.
"""

from dataclasses import dataclass

from gen.compile import Command, Program
from gen.plan import LayerPlan
from gen.streaming import Fetches, Host
from gen.turns import Turns
from rtl.base.ports import Cause
from rtl.base.ram import Ram
from rtl.control.max_pool import MaxPool, word_cycles
from rtl.lane.accumulator import Accumulator
from rtl.lane.lane import sums_latency
from rtl.lane.requantizer import Requantizer
from spec.commands import COMMAND_WORDS, Op, Source
from spec.config import AcceleratorConfig
from spec.layer import POOL, Role

__all__ = ["CommandCycles", "CycleModel", "predict"]

#: Cycles from the start of a fetch to the decision on its first word, and to the complete command.
_FETCH_CONTROL = 1 + Ram.LATENCY
_FETCH_COMMAND = COMMAND_WORDS + Ram.LATENCY

#: From taking a command to the first run asking for its weights.
_TAKE_TO_SWAP = 2 + Ram.LATENCY

#: From a fetch that leaves the walk to its rows: the memory, and a register.
_FETCH_TO_ROW = Ram.LATENCY + 1


@dataclass(frozen=True)
class CommandCycles:
    """Cycles of one executed command, from the end of the command before it to its own.

    ``start`` counts from the first cycle of the inference; ``causes`` adds up to ``cycles``. ``macs`` are those of all
    lanes.
    """

    label: str
    layer: str | None
    iteration: int
    start: int
    cycles: int
    causes: dict[Cause, int]
    macs: int
    passes: int

    def utilization(self, pe: int) -> float:
        """Dense-equivalent MACs per PE and cycle, as a share of what ``passes`` passes allow (4 / passes)."""
        return self.macs * self.passes / (4 * pe * self.cycles)


@dataclass(frozen=True)
class CycleModel:
    """Cycles of one inference of ``lanes`` images, command by command."""

    commands: tuple[CommandCycles, ...]
    lanes: int

    @property
    def total(self) -> int:
        """Cycles from start to done."""
        return sum(command.cycles for command in self.commands)

    @property
    def per_image(self) -> float:
        """Cycles of an image if every lane has one."""
        return self.total / self.lanes

    @property
    def causes(self) -> dict[Cause, int]:
        """Cycles by cause; they add up to the total."""
        return {cause: sum(command.causes.get(cause, 0) for command in self.commands) for cause in Cause}


@dataclass(frozen=True)
class _Execution:
    """When a layer's array work happens, and what was waited for.

    ``loaded`` is the first cycle in which the loader has nothing more to do for it, ``turns`` what happened at the
    requantizers.
    """

    last_swap: int
    last_run: int
    loaded: int
    array: int
    weight_load: int
    mask_wait: int
    filler: int
    turns: Turns


def predict(program: Program) -> CycleModel:
    """Cycle model of one inference of ``program``."""
    config = program.config
    result = []
    fetch, drained, loader_free, last_swap = 0, 0, 0, 0
    host = Host()
    for command, iteration in program.executed:
        if command.op in (Op.LOOP, Op.ENDLOOP):
            fetch += _FETCH_CONTROL
            continue
        causes = dict.fromkeys(Cause, 0)
        begun = drained
        if command.op is Op.HALT:
            drained = max(drained, fetch + _FETCH_CONTROL) + 1
        else:
            ready = fetch + _FETCH_COMMAND
            if command.op in (Op.STORE, Op.MAXPOOL):
                cause, count = (Cause.HOST, _store_cycles) if command.op is Op.STORE else (Cause.POOL, _pool_cycles)
                causes[cause] = count(command, config)
                taken = max(ready, drained)
                drained = taken + 2 + causes[cause]
            else:
                prepared = max(ready, loader_free)
                taken = max(prepared, drained)
                # Signs are needed a cycle after a fetch has left the walk, positions in a ring as it leaves.
                seeding = config.ring_seeding if command.placed.layer.ring else config.weight_rows - 1
                row = prepared + 1 + seeding + _FETCH_TO_ROW
                asked = taken + _TAKE_TO_SWAP
                if command.placed.streamed:
                    run = _execute_streamed(command.placed, config, host, prepared, asked, row, last_swap)
                else:
                    run = _execute(command.placed, config, asked, row, last_swap)
                last_swap, loader_free = run.last_swap, run.loaded
                last_word = run.last_swap + run.last_run
                summed = max(last_word + 1 + sums_latency(config.groups), run.last_swap + _slots(run.last_run))
                drained = max(summed, _results_stored(command, config, last_word, run.turns)) + 1
                causes[Cause.ARRAY] = run.array
                causes[Cause.MASK_WAIT] = run.mask_wait
                causes[Cause.WEIGHT_LOAD] = run.weight_load
                causes[Cause.DRAIN] = run.filler + summed - last_word
                causes[Cause.REQUANTIZE] = drained - 1 - summed + run.turns.waited
            fetch = taken + 1
        causes[Cause.SEQUENCER] = drained - begun - sum(causes.values())
        computes = command.op in (Op.CONV, Op.CLASSIFY)
        layer = command.placed.layer if command.placed else None
        result.append(CommandCycles(
            command.label, layer.name if layer else None, iteration, begun, drained - begun, causes,
            layer.macs * config.lanes if computes else 0, layer.passes if computes else 0,
        ))
    return CycleModel(tuple(result), config.lanes)


def _slots(run: int) -> int:
    """Beats a run of ``run`` pixels takes."""
    return max(run, Accumulator.TURNAROUND)


def _execute(placed: LayerPlan, config: AcceleratorConfig, asked: int, row: int, free: int) -> _Execution:
    """Array work of a layer whose masks are there.

    Its first run asks for weights at ``asked``; its first row is ready at ``row``, and may be written at ``free``.
    """
    runs, turns = placed.runs, _turns_of(placed, config)
    array = weight_load = mask_wait = filler = 0
    swap = slots = run = None
    for number, segment in enumerate(placed.segments(config), 1):
        run, fetches = segment.run, segment.fetches
        if swap is None:
            begun = max(row, free)
            swap = max(asked, begun + fetches)
            mask_wait = min(swap, max(asked, row)) - asked
            weight_load = swap - asked - mask_wait
        else:
            begun = swap
            swap += max(slots, fetches)
            weight_load += max(0, fetches - slots)
        slots = _slots(run)
        if runs > 1:
            turns.swapped(swap)
            begun = swap + (runs - 2) * max(slots, fetches)
        swap = turns.room(swap + (runs - 1) * max(slots, fetches))
        turns.finish(swap, run, ends=number == placed.tiles * placed.pixel_tiles)
        weight_load += (runs - 1) * max(0, fetches - slots)
        array += runs * run
        filler += runs * (slots - run)
    return _Execution(swap, run, begun + fetches, array, weight_load, mask_wait, filler - (slots - run), turns)


def _execute_streamed(
    placed: LayerPlan, config: AcceleratorConfig, host: Host, taken: int, asked: int, row: int, free: int
) -> _Execution:
    """Array work of a streamed layer that the loader takes at ``taken``; otherwise as :func:`_execute`."""
    runs, turns = placed.runs, _turns_of(placed, config)
    seeded = row - _FETCH_TO_ROW
    tiles = Fetches(asked, free)
    array = filler = 0
    for number, segment in enumerate(placed.segments(config)):
        run, fetches = segment.run, segment.fetches
        if segment.pixel_tile == 0:
            units = placed.weight_tiles * fetches * placed.unit
            words = -(-units * config.mask_unit_bits // config.mask_word_bits) * (config.mask_word_bits // 32)
            arrived = max(host.chunk(words), tiles.issued + 1 if number else taken + 1)
            tiles.resume(max(arrived + 1, 0 if number else seeded))
        if runs > 1:
            turns.swapped(tiles.repeat(runs - 1, fetches, _slots(run)))
        tiles.finish(fetches, _slots(run), turns)
        turns.finish(tiles.swap, run, ends=number == placed.tiles * placed.pixel_tiles - 1)
        if segment.pixel_tile == placed.pixel_tiles - 1:
            host.free(tiles.issued)
        array += runs * run
        filler += runs * (_slots(run) - run)
    last_filler = _slots(run) - run
    return _Execution(
        tiles.swap, run, tiles.written + 1, array, tiles.weight_load, tiles.mask_wait, filler - last_filler, turns
    )


def _turns_of(placed: LayerPlan, config: AcceleratorConfig) -> Turns:
    """Those of a layer; sums of the classifier stay where they are."""
    return Turns(0 if placed.layer.role is Role.CLASSIFIER else config.rows_per_requantizer)


def _results_stored(command: Command, config: AcceleratorConfig, last_word: int, turns: Turns) -> int:
    """Cycle in which the last result of the layer is written; its last word is in the array in ``last_word``."""
    to_acc = 1 + sums_latency(config.groups)
    if command.op is not Op.CONV:
        return last_word + to_acc
    if config.rows_per_requantizer == 1:
        return last_word + to_acc + Requantizer.LATENCY
    # Its sums are written, read, and chosen among in the last turn.
    return turns.free - 1 + to_acc + 1 + Ram.LATENCY + 1 + Requantizer.LATENCY


def _store_cycles(command: Command, config: AcceleratorConfig) -> int:
    """Cycles that the store is busy if the host takes every word."""
    count = command.fields["count"]
    per_line = config.rows if command.fields["source"] == Source.PSUM else config.word_bytes // 4
    return count + (1 + Ram.LATENCY) * -(-count // per_line)


def _pool_cycles(command: Command, config: AcceleratorConfig) -> int:
    """Cycles that the max pool is busy: one word after another, then the last word's way to memory."""
    words = command.fields["out_pixels"] * command.fields["blocks"]
    return (words - 1) * word_cycles(config.columns) + POOL.kernel**2 - 1 + MaxPool.LATENCY + config.columns

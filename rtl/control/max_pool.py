"""The max pool's walk: which word of every window is read when, and where its largest bytes are stored."""

import itertools
from collections.abc import Mapping

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND, WIDTHS, narrow
from rtl.base.countdown import begin, countdown, step
from rtl.base.ports import PoolStep, StoreStep
from rtl.control.map_walk import Windows
from spec.commands import ADDRESS_BITS
from spec.layer import POOL

__all__ = ["MaxPool", "word_cycles"]


def word_cycles(columns: int) -> int:
    """Cycles per output word of ``columns`` columns: one per tap, or one per store if these are more."""
    return max(POOL.kernel**2, columns)


class _Tap(data.Struct):
    """One read of a window."""

    valid: unsigned(1)
    first: unsigned(1)  #: First tap of a window.
    last: unsigned(1)  #: Last tap of a window.


class MaxPool(wiring.Component):
    """Executes ``MAXPOOL``: :func:`spec.numerics.max_pool` with the window :data:`spec.layer.POOL`, word by word.

    It moves the words, whose addresses the :class:`rtl.control.address_generator.AddressGenerator` makes; a
    :class:`rtl.lane.pool_maximum.PoolMaximum` in every lane compares them.

    Order ``pixel > word > ky > kx``; output words follow one another in memory. A word is stored column by column while
    the next one is read.

    Timing: the first address stands two cycles after ``take``, one after its word is wanted. A word takes
    :func:`word_cycles` cycles, and its first store follows its last tap by :data:`LATENCY` cycles.

    Parameters
    ----------
    word_bytes, rows : int
        C and Tm: a word has ``C // Tm`` columns.
    address_bits : int
        Bits of a word address; arithmetic wraps there.
    widths : mapping of str to int
        Bits of the command's fields that count.

    Members
    -------
    take : In(1)
        Only while not ``busy``.
    command : In(COMMAND)
        Held while ``busy``; ``source_base`` is the word that tap (0, 0) of output pixel (0, 0) meets.
    busy : Out(1)
        From the cycle after ``take`` to the last store.
    windows : Out(Windows(address_bits))
    inside : In(1)
        Whether the word wanted three cycles before lies in the map.
    step : Out(PoolStep)
        Of that word, a cycle later, when it has arrived.
    store : Out(StoreStep(address_bits, columns))
        Of the column that stands on ``y`` of the lanes.
    """

    #: Cycles from a tap to its address, its word, the comparison, the maximum, and the first column.
    LATENCY = 6

    def __init__(
        self, *, word_bytes: int, rows: int, address_bits: int = ADDRESS_BITS, widths: Mapping[str, int] = WIDTHS
    ):
        self.columns = word_bytes // rows
        self.widths = widths
        self.address_bits = address_bits
        super().__init__({
            "take": In(1),
            "command": In(COMMAND),
            "busy": Out(1),
            "windows": Out(Windows(address_bits)),
            "inside": In(1),
            "step": Out(PoolStep),
            "store": Out(StoreStep(address_bits, self.columns)),
        })

    def elaborate(self, platform):
        m = Module()

        walking = Signal()
        taps = [Signal(_Tap, name=name) for name in ("wanted", "addressed", "fetching", "arriving", "arrived")]
        self._walk(m, walking, taps[0])
        for before, now in itertools.pairwise(taps):
            m.d.sync += now.eq(before)
        storing = self._store(m, taps[-1])
        remains = Signal()
        m.d.sync += remains.eq(storing | Cat(tap.valid for tap in taps).any())
        m.d.comb += self.busy.eq(walking | remains)
        return m

    def _walk(self, m: Module, walking: Signal, tap: Signal) -> None:
        """Where the walk is in a window, and the tap it wants."""
        widths, windows = self.widths, self.windows
        command, period = narrow(self.command, widths), word_cycles(self.columns)
        slot, kx, ky = Signal(range(period)), Signal(range(POOL.kernel)), Signal(range(POOL.kernel))
        block, blocks = Signal(widths["blocks"]), Signal(countdown(widths["blocks"]), name="blocks")
        pixels = Signal(countdown(widths["out_pixels"]), name="pixels")
        offset = Signal(self.address_bits)
        row_ends, word_ends = kx == POOL.kernel - 1, slot == period - 1
        m.d.comb += [
            windows.take.eq(self.take),
            windows.walks.eq(walking),
            windows.moves.eq(walking & word_ends & blocks.last),
            windows.offset.eq(offset),
            windows.ky.eq(ky),
            windows.kx.eq(kx),
            tap.valid.eq(walking & (slot < POOL.kernel**2)),
            tap.first.eq(slot == 0),
            tap.last.eq(slot == POOL.kernel**2 - 1),
        ]
        with m.If(self.take):
            m.d.sync += [counter.eq(0) for counter in (slot, kx, ky, block, offset)]
            m.d.sync += [*begin(blocks, command.blocks), *begin(pixels, command.out_pixels)]
            m.d.sync += walking.eq(1)
        with m.Elif(walking):
            m.d.sync += [slot.eq(slot + 1), kx.eq(kx + 1), offset.eq(offset + command.blocks)]
            with m.If(row_ends):
                m.d.sync += [kx.eq(0), ky.eq(ky + 1), offset.eq(offset + command.step_tap)]
            with m.If(word_ends):
                m.d.sync += [slot.eq(0), kx.eq(0), ky.eq(0), block.eq(block + 1), offset.eq(block + 1), *step(blocks)]
                with m.If(blocks.last):
                    m.d.sync += [block.eq(0), *begin(blocks, command.blocks), offset.eq(0)]
                    m.d.sync += [*step(pixels), walking.eq(~pixels.last)]

    def _store(self, m: Module, tap: Signal) -> Value:
        """Say what happens to the words that arrive, and where columns are stored. Returns whether more will be."""
        complete, store, inside = Signal(), self.store, Signal(name="inside_arrived")
        m.d.sync += inside.eq(self.inside)
        m.d.comb += [
            self.step.first.eq(tap.first),
            self.step.inside.eq(inside),
            self.step.keep.eq(complete),
        ]
        m.d.sync += complete.eq(tap.valid & tap.last)
        last_column = store.column == self.columns - 1
        with m.If(store.enable):
            m.d.sync += store.column.eq(store.column + 1)
            with m.If(last_column):
                m.d.sync += [store.enable.eq(0), store.column.eq(0), store.address.eq(store.address + 1)]
        with m.If(complete):
            m.d.sync += store.enable.eq(1)
        with m.If(self.take):
            m.d.sync += store.address.eq(self.command.out_base)
        return complete | (store.enable & ~last_column)

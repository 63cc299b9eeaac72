"""The max pool's walk: which word of every window is read when, and where its largest bytes are stored."""

import itertools

from amaranth.hdl import Cat, Module, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.command import COMMAND, WIDTHS
from rtl.base.countdown import begin, countdown, step
from rtl.base.ports import PoolStep, StoreStep
from rtl.control.map_walk import COORDINATE_BITS, pixel_layout, start_pixel, step_pixel
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
    inside: unsigned(1)  #: The word lies in the map; otherwise it is padding (0).


class MaxPool(wiring.Component):
    """Executes ``MAXPOOL``: :func:`spec.numerics.max_pool` with the window :data:`spec.layer.POOL`, word by word.

    It moves the words; a :class:`rtl.lane.pool_maximum.PoolMaximum` in every lane compares them.

    Order ``pixel > word > ky > kx``; output words follow one another in memory. A word is stored column by column while
    the next one is read.

    Timing: the first address stands two cycles after ``take``. A word takes :func:`word_cycles` cycles, and its first
    store follows its last tap by :data:`LATENCY` cycles.

    Parameters
    ----------
    word_bytes, rows : int
        C and Tm: a word has ``C // Tm`` columns.
    address_bits : int
        Bits of a word address; arithmetic wraps there.

    Members
    -------
    take : In(1)
        Only while not ``busy``.
    command : In(COMMAND)
        Held while ``busy``; ``source_base`` is the word that tap (0, 0) of output pixel (0, 0) meets.
    busy : Out(1)
        From the cycle after ``take`` to the last store.
    address : Out(address_bits)
    step : Out(PoolStep)
        Of the memory word two cycles after ``address``.
    store : Out(StoreStep(address_bits, columns))
        Of the column that stands on ``y`` of the lanes.
    """

    #: Cycles from a tap to its address, its word, the maximum, and the first column.
    LATENCY = 5

    def __init__(self, *, word_bytes: int, rows: int, address_bits: int = ADDRESS_BITS):
        self.columns = word_bytes // rows
        self.address_bits = address_bits
        super().__init__({
            "take": In(1),
            "command": In(COMMAND),
            "busy": Out(1),
            "address": Out(address_bits),
            "step": Out(PoolStep),
            "store": Out(StoreStep(address_bits, self.columns)),
        })

    def elaborate(self, platform):
        m = Module()

        walking = Signal()
        taps = [Signal(_Tap, name=name) for name in ("wanted", "addressed", "fetching", "arriving")]
        inside = self._walk(m, walking, taps[0])
        for before, now in itertools.pairwise(taps):
            m.d.sync += now.eq(before)
        m.d.sync += taps[2].inside.eq(inside)
        storing = self._store(m, taps[-1])
        remains = Signal()
        m.d.sync += remains.eq(storing | Cat(tap.valid for tap in taps).any())
        m.d.comb += self.busy.eq(walking | remains)
        return m

    def _walk(self, m: Module, walking: Signal, tap: Signal) -> Value:
        """Where the walk is, and the tap it wants. Returns whether the tap addressed, one later, is inside the map."""
        command = self.command
        layout = pixel_layout(self.address_bits)
        here, after, origin = (Signal(layout, name=name) for name in ("here", "after", "origin"))
        period = word_cycles(self.columns)
        slot, kx, ky = Signal(range(period)), Signal(range(POOL.kernel)), Signal(range(POOL.kernel))
        block, blocks = Signal(WIDTHS["blocks"]), Signal(countdown(WIDTHS["blocks"]), name="blocks")
        pixels = Signal(countdown(WIDTHS["out_pixels"]), name="pixels")
        offset = Signal(self.address_bits)
        row_ends, word_ends = kx == POOL.kernel - 1, slot == period - 1
        start_pixel(m, command, origin)
        step_pixel(m, command, here, after)
        m.d.comb += [
            origin.offset.eq(command.source_base),
            tap.valid.eq(walking & (slot < POOL.kernel**2)),
            tap.first.eq(slot == 0),
            tap.last.eq(slot == POOL.kernel**2 - 1),
        ]
        with m.If(self.take):
            m.d.sync += [counter.eq(0) for counter in (slot, kx, ky, block, offset)]
            m.d.sync += [*begin(blocks, command.blocks), *begin(pixels, command.out_pixels)]
            m.d.sync += [walking.eq(1), here.eq(origin)]
        with m.Elif(walking):
            m.d.sync += [slot.eq(slot + 1), kx.eq(kx + 1), offset.eq(offset + command.blocks)]
            with m.If(row_ends):
                m.d.sync += [kx.eq(0), ky.eq(ky + 1), offset.eq(offset + command.step_tap)]
            with m.If(word_ends):
                m.d.sync += [slot.eq(0), kx.eq(0), ky.eq(0), block.eq(block + 1), offset.eq(block + 1), *step(blocks)]
                with m.If(blocks.last):
                    m.d.sync += [block.eq(0), *begin(blocks, command.blocks), offset.eq(0), here.eq(after)]
                    m.d.sync += [*step(pixels), walking.eq(~pixels.last)]

        row, column = Signal(COORDINATE_BITS), Signal(COORDINATE_BITS)
        m.d.sync += [self.address.eq(here.offset + offset), row.eq(here.y + ky), column.eq(here.x + kx)]
        return (row < command.height) & (column < command.width)

    def _store(self, m: Module, tap: Signal) -> Value:
        """Say what happens to the words that arrive, and where columns are stored. Returns whether more will be."""
        complete, store = Signal(), self.store
        m.d.comb += [
            self.step.first.eq(tap.first),
            self.step.inside.eq(tap.inside),
            self.step.keep.eq(complete),
            self.step.shift.eq(store.enable),
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

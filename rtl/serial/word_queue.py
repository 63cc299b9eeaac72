"""A queue whose ends may change their minds: words written are not there, nor words read gone, until it is said."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS, FrameWord
from rtl.base.ram import Ram

__all__ = ["WordQueue"]


class WordQueue(wiring.Component):
    """First in, first out, in a memory.

    Written at up to a word a cycle, read at a word in 3 cycles: the memory takes two, and no serial line notices.

    Parameters
    ----------
    depth : int
        Words, a power of two.

    Members
    -------
    i : In(stream.Signature(FrameWord))
        Words to write. ``ready``: there is room, beside words that were read but not released.
    commit : In(1)
        All words written, one written in this cycle included, may be read from now on.
    revert : In(1)
        Words written since the last commit, one written in this cycle included, are forgotten.
    o : Out(stream.Signature(FrameWord))
        The next word.
    release : In(1)
        Words read, one read in this cycle included, make room.
    rewind : In(1)
        Words read since the last release are read again; none is read in this cycle.
    empty : Out(1)
        Every word that may be read was read.
    """

    def __init__(self, depth: int):
        if not isinstance(depth, int) or depth < 2 or depth & depth - 1:
            raise ValueError(f"Depth of a queue must be a power of two from 2 on, not {depth!r}")
        self.depth = depth
        super().__init__({
            "i": In(stream.Signature(FrameWord)), "commit": In(1), "revert": In(1),
            "o": Out(stream.Signature(FrameWord)), "release": In(1), "rewind": In(1),
            "empty": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.ram = ram = Ram(width=AXI_BITS + 1, depth=self.depth)
        # Numbers of words, modulo twice the depth, so that full differs from empty.
        written, readable, read, released = (
            Signal(range(2 * self.depth), name=name) for name in ("written", "readable", "read", "released")
        )
        after_write, after_read = Signal.like(written), Signal.like(read)
        pushed, popped = self.i.valid & self.i.ready, self.o.valid & self.o.ready
        used = Signal.like(written)
        m.d.comb += [
            used.eq(written - released),
            self.i.ready.eq(used != self.depth),
            after_write.eq(written + pushed),
            after_read.eq(read + popped),
            self.empty.eq(read == readable),
            ram.write.address.eq(written),
            ram.write.data.eq(self.i.payload),
            ram.write.enable.eq(pushed),
            ram.read_address.eq(read),
            ram.read_enable.eq(1),
            self.o.payload.eq(ram.read_data),
        ]
        m.d.sync += written.eq(after_write)
        with m.If(self.revert):
            m.d.sync += written.eq(readable)
        with m.Elif(self.commit):
            m.d.sync += readable.eq(after_write)

        age = Signal(range(Ram.LATENCY))  # cycles that the memory has been given the address of the next word
        m.d.sync += [read.eq(after_read), age.eq(age + 1), self.o.valid.eq(self.o.valid | (age == Ram.LATENCY - 1))]
        with m.If(self.rewind):
            m.d.sync += read.eq(released)
        with m.Elif(self.release):
            m.d.sync += released.eq(after_read)
        with m.If(self.empty | popped | self.rewind):
            m.d.sync += [age.eq(0), self.o.valid.eq(0)]

        return m

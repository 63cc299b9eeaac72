"""Which chunks of streamed masks are on the chip."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import Chunk

__all__ = ["ChunkQueue"]


class ChunkQueue(wiring.Component):
    """The chunks that have arrived and are still needed, in order; at most two.

    One can so be received while the other is in use. A chunk is at ``head`` in the cycle after it arrived.

    Members
    -------
    chunk : In(Chunk)
        One has arrived; only while there is ``room``.
    room : Out(1)
        Another one may come. The one that is coming counts only when it has arrived.
    head : Out(Chunk)
        The oldest one.
    free : In(1)
        It is not needed any more.
    clear : In(1)
        Forget all.
    """

    chunk: In(Chunk)
    room: Out(1)
    head: Out(Chunk)
    free: In(1)
    clear: In(1)

    def elaborate(self, platform):
        m = Module()

        second = Signal(Chunk)
        m.d.comb += self.room.eq(~second.valid)
        with m.If(self.free):
            m.d.sync += [self.head.eq(second), second.valid.eq(0)]
        with m.If(self.chunk.valid):
            with m.If(self.head.valid & (~self.free | second.valid)):
                m.d.sync += second.eq(self.chunk)
            with m.Else():
                m.d.sync += self.head.eq(self.chunk)
        with m.If(self.clear):
            m.d.sync += [self.head.valid.eq(0), second.valid.eq(0)]
        return m

"""The way out: words of results become frames on an AXI4-Stream."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import FrameWord
from rtl.host.axi import AxiStream

__all__ = ["FrameSender"]


class FrameSender(wiring.Component):
    """Sends words unchanged and in order, behind flip-flops in both directions.

    Latency 1 cycle, throughput 1 word/cycle. One word is on the output, and one more is held while the host takes
    none, so neither ``o`` nor ``words.ready`` depends on anything but registers. A word once offered stays until it
    is taken, whatever happens.

    An ``abort`` drops the word that is held and ends the frame: if the last word offered was not the last of its frame,
    a word of zeros with ``tlast`` follows it. So at most two words come out after an abort, and the next frame begins
    after a ``tlast``.

    Members
    -------
    words : In(stream.Signature(FrameWord))
        Words to send. The first one after an abort begins a frame.
    abort : In(1)
        The frame that is being sent ends here. A word that comes in this cycle is dropped.
    o : Out(AxiStream())
        The same words; ``tlast`` is ``last``.
    draining : Out(1)
        The host has not yet taken all that was left at an abort. From the cycle after it.
    """

    words: In(stream.Signature(FrameWord))
    abort: In(1)
    o: Out(AxiStream())
    draining: Out(1)

    def elaborate(self, platform):
        m = Module()

        offered = Signal(FrameWord, init={"last": 1})  # what was offered last stays: no last, and a frame is open
        held = Signal(FrameWord)
        holding = Signal()
        comes, keeps, stays = Signal(), Signal(), Signal()
        m.d.comb += [
            self.words.ready.eq(~holding),
            self.o.tdata.eq(offered.data),
            self.o.tlast.eq(offered.last),
            comes.eq(Mux(self.abort, ~offered.last, self.words.valid)),
            keeps.eq(holding & ~self.abort),
            stays.eq(self.o.tvalid & ~self.o.tready),
        ]
        m.d.sync += [
            self.o.tvalid.eq(stays | keeps | comes),
            holding.eq(stays & (keeps | comes)),
            self.draining.eq((self.abort | self.draining) & (stays | keeps | comes)),
        ]
        # What ends a frame is a reset of flip-flops, and costs no logic; nobody sees it where it does not come.
        with m.If(self.abort):
            m.d.sync += [held.data.eq(0), held.last.eq(1)]
        with m.Elif(~holding):
            m.d.sync += held.eq(self.words.payload)
        with m.If(~stays & self.abort):
            m.d.sync += [offered.data.eq(0), offered.last.eq(1)]
        with m.Elif(~stays & holding):
            m.d.sync += offered.eq(held)
        with m.Elif(~stays & self.words.valid):
            m.d.sync += offered.eq(self.words.payload)

        return m

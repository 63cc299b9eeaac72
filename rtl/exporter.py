"""Sends a stored tensor or the logits out, 32 bits at a time."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.frame_sender import FrameWord
from rtl.ram import Ram
from spec.commands import ADDRESS_BITS
from spec.numerics import ACC_BITS

__all__ = ["Exporter"]


class Exporter(wiring.Component):
    """Executes ``STORE``: reads one memory word after another and sends ``count`` words of 32 bits of one lane's as one
    frame.

    A word of X or T yields C/4 of them, lowest bytes first; a word of the psum memory yields one sign-extended
    logit per row.

    Timing: a memory word of n output words takes ``3 + n`` cycles if the host takes them.

    Parameters
    ----------
    word_bytes : int
        C.
    rows : int
        Tm.
    lanes : int
        L: all of them read; one is sent.
    acc_bits : int
        Signed bits of a logit, at most 32.

    Members
    -------
    start : In(1)
    base : In(24)
    lane : In(range(lanes))
        Held while ``busy``.
    from_psum : In(1)
    count : In(24)
        At least 1.
    busy : Out(1)
    address : Out(24)
    words_read : In(8 * word_bytes).array(lanes)
        Memory words two cycles after ``address``.
    psums_read : In(ArrayLayout(signed(acc_bits), rows)).array(lanes)
    words : Out(stream.Signature(FrameWord))
    """

    def __init__(self, *, word_bytes: int, rows: int, lanes: int, acc_bits: int = ACC_BITS):
        self.word_bytes = word_bytes
        self.rows = rows
        self.lanes = lanes
        self.acc_bits = acc_bits
        super().__init__({
            "start": In(1),
            "base": In(ADDRESS_BITS),
            "lane": In(range(lanes)),
            "from_psum": In(1),
            "count": In(24),
            "busy": Out(1),
            "address": Out(ADDRESS_BITS),
            "words_read": In(8 * word_bytes).array(lanes),
            "psums_read": In(data.ArrayLayout(signed(acc_bits), rows)).array(lanes),
            "words": Out(stream.Signature(FrameWord)),
        })

    def elaborate(self, platform):
        m = Module()

        items_word, items_psum = self.word_bytes // 4, self.rows
        left = Signal(24)
        psum = Signal()
        wait = Signal(range(Ram.LATENCY + 1))
        items = Signal(range(max(items_word, items_psum) + 1))
        line = Signal(32 * max(items_word, items_psum), reset_less=True)

        m.d.comb += [self.words.payload.data.eq(line[:32]), self.words.payload.last.eq(left == 1)]
        with m.FSM() as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += [self.address.eq(self.base), left.eq(self.count), psum.eq(self.from_psum), wait.eq(0)]
                m.next = "READ"
            with m.State("READ"):
                m.d.sync += wait.eq(wait + 1)
                with m.If(wait == Ram.LATENCY):
                    self._read(m, line, psum)
                    m.d.sync += [
                        items.eq(Mux(psum, items_psum, items_word)),
                        self.address.eq(self.address + 1),
                    ]
                    m.next = "SEND"
            with m.State("SEND"):
                m.d.comb += self.words.valid.eq(1)
                with m.If(self.words.ready):
                    m.d.sync += [line.eq(line >> 32), items.eq(items - 1), left.eq(left - 1), wait.eq(0)]
                    with m.If(left == 1):
                        m.next = "IDLE"
                    with m.Elif(items == 1):
                        m.next = "READ"
        return m

    def _read(self, m: Module, line: Signal, psum: Signal) -> None:
        """Copy the word of the lane that is sent."""
        with m.Switch(self.lane):
            for lane, (word, psums) in enumerate(zip(self.words_read, self.psums_read, strict=True)):
                logits = Cat(Cat(value, value[-1].replicate(32 - self.acc_bits)) for value in psums)
                with m.Case(lane) if self.lanes > 1 else m.Default():
                    m.d.sync += line.eq(Mux(psum, logits, word))

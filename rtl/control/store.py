"""Sends a stored tensor or the logits out, 32 bits at a time."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.choice import choose
from rtl.base.command import WIDTHS
from rtl.base.countdown import begin, countdown, step
from rtl.base.ports import AXI_BITS, FrameWord
from rtl.base.ram import Ram
from spec.commands import ADDRESS_BITS
from spec.numerics import ACC_BITS

__all__ = ["Store"]


class Store(wiring.Component):
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
    count_bits : int
        Of the number of words of a frame.
    address_bits : int
        Bits of a word address; arithmetic wraps there.

    Members
    -------
    start : In(1)
    base : In(address_bits)
    lane : In(range(lanes))
        Held while ``busy``.
    from_psum : In(1)
    count : In(count_bits)
        At least 1.
    busy : Out(1)
    address : Out(address_bits)
    words_read : In(8 * word_bytes).array(lanes)
        Memory words two cycles after ``address``, which holds until its word is sent.
    psums_read : In(ArrayLayout(signed(acc_bits), rows)).array(lanes)
    words : Out(stream.Signature(FrameWord))
    """

    def __init__(
        self, *, word_bytes: int, rows: int, lanes: int, acc_bits: int = ACC_BITS,
        count_bits: int = WIDTHS["count"], address_bits: int = ADDRESS_BITS,
    ):
        self.word_bytes = word_bytes
        self.rows = rows
        self.lanes = lanes
        self.acc_bits = acc_bits
        super().__init__({
            "start": In(1),
            "base": In(address_bits),
            "lane": In(range(lanes)),
            "from_psum": In(1),
            "count": In(count_bits),
            "busy": Out(1),
            "address": Out(address_bits),
            "words_read": In(8 * word_bytes).array(lanes),
            "psums_read": In(data.ArrayLayout(signed(acc_bits), rows)).array(lanes),
            "words": Out(stream.Signature(FrameWord)),
        })

    def elaborate(self, platform):
        m = Module()

        items_word, items_psum = self.word_bytes // 4, self.rows
        left = Signal.like(self.count)
        psum = Signal()
        wait = Signal(range(Ram.LATENCY + 1))
        most = max(items_word, items_psum)
        item, items = Signal(range(most)), Signal(countdown(most.bit_length()))

        word, logits = self._lane_sent(m)
        parts = [word.word_select(number, AXI_BITS) for number in range(items_word)]
        part, logit = choose(m, "part", parts, item), choose(m, "logit", [*map(Value.cast, logits)], item)
        following = Signal(AXI_BITS)
        m.d.comb += [
            following.eq(Mux(psum, logit.as_signed(), part)),
            self.words.payload.last.eq(left == 1),
        ]
        with m.FSM() as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"), m.If(self.start):
                m.d.sync += [self.address.eq(self.base), left.eq(self.count), psum.eq(self.from_psum)]
                m.d.sync += [wait.eq(0), item.eq(0)]
                m.next = "READ"
            with m.State("READ"):
                m.d.sync += wait.eq(wait + 1)
                with m.If(wait == Ram.LATENCY):
                    m.d.sync += [self.words.payload.data.eq(following), item.eq(1)]
                    m.d.sync += begin(items, Mux(psum, items_psum, items_word))
                    m.next = "SEND"
            with m.State("SEND"):  # the address holds, and so does the word
                m.d.comb += self.words.valid.eq(1)
                with m.If(self.words.ready):
                    m.d.sync += [self.words.payload.data.eq(following), item.eq(item + 1)]
                    m.d.sync += [*step(items), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.next = "IDLE"
                    with m.Elif(items.last):
                        m.d.sync += [self.address.eq(self.address + 1), wait.eq(0), item.eq(0)]
                        m.next = "READ"
        return m

    def _lane_sent(self, m: Module) -> tuple[Signal, data.View]:
        """Word and logits of the lane that is sent."""
        word = Signal.like(self.words_read[0])
        logits = Signal(data.ArrayLayout(signed(self.acc_bits), self.rows))
        with m.Switch(self.lane):
            for lane in range(self.lanes):
                with m.Case(lane) if self.lanes > 1 else m.Default():
                    m.d.comb += [word.eq(self.words_read[lane]), logits.eq(self.psums_read[lane])]
        return word, logits

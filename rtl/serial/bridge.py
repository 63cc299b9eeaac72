"""From a serial line to the ports of the accelerator: executes the requests of :mod:`spec.serial_link`."""

from amaranth.hdl import Cat, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.base.ports import AXI_BITS
from rtl.host.axi import AxiLite, AxiStream, Response
from rtl.serial.frames import FrameReceiver, FrameTransmitter
from rtl.serial.uart import UartReceiver, UartTransmitter
from rtl.serial.word_queue import WordQueue
from spec.registers import OFFSET_BITS
from spec.serial_link import FRAME_WORDS, LEAST_BYTES, LINK_VERSION, STATUS_BITS, Flag, Request, Status, payload_bytes

__all__ = ["FETCH_QUEUE", "SEND_QUEUE", "SerialBridge"]

SEND_QUEUE = 512  #: Words that wait for ``s_axis``: what a block RAM of an ECP5 holds.
FETCH_QUEUE = 1024  #: Words that wait for the host: logits of as many classes stall nothing.

_RESTART_CYCLES = 16
_WORD_BYTES = AXI_BITS // 8


class _Step(enum.Enum, shape=3):
    LISTEN = 0  #: Request arriving, or none.
    JUDGE = 1  #: It is there: decide what to do.
    ACCESS = 2  #: Register access going on.
    RESTART = 3  #: The accelerator is in reset.
    SEQUENCE = 4  #: Response: its first byte.
    WORD = 5  #: Response: is there another word to send?
    BYTES = 6  #: Response: bytes of a word.
    STATUS = 7  #: Response: its last byte.


class _Payload(enum.Enum, shape=2):
    """What the last response that was no ``CORRUPT`` had between its sequence number and its status."""

    NOTHING = 0
    RESULT = 1  #: One word, kept in case it is asked for again.
    FETCHED = 2  #: Words of the queue, which keeps them.


def _among(count: Value, allowed: range) -> Value:
    """Whether a request of ``count`` bytes has a payload of an ``allowed`` length."""
    least, most = LEAST_BYTES + allowed[0], LEAST_BYTES + allowed[-1]
    if least == most:
        return count == least
    return (count >= least) & (count <= most) & _ends_word(count)


def _ends_word(count: Value) -> Value:
    """Whether bytes up to ``count`` are whole words of payload."""
    return count[: exact_log2(_WORD_BYTES)] == LEAST_BYTES % _WORD_BYTES


class SerialBridge(wiring.Component):
    """Executes one request at a time. Bytes that arrive meanwhile are lost, with all of their frame.

    Parameters
    ----------
    divider : int
        Cycles of a bit on the line.
    send_queue, fetch_queue : int
        Words that wait for ``s_axis``, at least :data:`spec.serial_link.FRAME_WORDS`; and for the host. Powers of two.

    Members
    -------
    rx : In(1)
    tx : Out(1)
        The line, of any clock.
    registers : Out(AxiLite(OFFSET_BITS))
    packets : Out(AxiStream())
        To ``s_axis``.
    frames : In(AxiStream())
        From ``m_axis``.
    irq : In(1)
    restart : Out(1)
        Resets the accelerator; 16 cycles.
    """

    def __init__(self, divider: int, send_queue: int = SEND_QUEUE, fetch_queue: int = FETCH_QUEUE):
        if send_queue < FRAME_WORDS:
            raise ValueError(f"The queue must hold the {FRAME_WORDS} words of a frame, not {send_queue}")
        self.divider = divider
        self.send_queue = send_queue
        self.fetch_queue = fetch_queue
        super().__init__({
            "rx": In(1, init=1), "tx": Out(1, init=1),
            "registers": Out(AxiLite(OFFSET_BITS)), "packets": Out(AxiStream()), "frames": In(AxiStream()),
            "irq": In(1), "restart": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        m.submodules.receiver = receiver = UartReceiver(self.divider)
        m.submodules.transmitter = transmitter = UartTransmitter(self.divider)
        m.submodules.unframe = request = FrameReceiver()
        m.submodules.frame = response = FrameTransmitter()
        sent, fetched = WordQueue(self.send_queue), WordQueue(self.fetch_queue)
        m.submodules.sent = ResetInserter(self.restart)(sent)
        m.submodules.fetched = ResetInserter(self.restart)(fetched)
        wiring.connect(m, response.o, transmitter.i)
        m.d.comb += [
            receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx),
            request.byte.eq(receiver.byte), request.valid.eq(receiver.valid), request.broken.eq(receiver.broken),
            self.packets.tvalid.eq(sent.o.valid), sent.o.ready.eq(self.packets.tready),
            Cat(self.packets.tdata, self.packets.tlast).eq(sent.o.payload), sent.release.eq(1),
            fetched.i.valid.eq(self.frames.tvalid), self.frames.tready.eq(fetched.i.ready),
            fetched.i.payload.eq(Cat(self.frames.tdata, self.frames.tlast)), fetched.commit.eq(1),
        ]

        step = Signal(_Step)
        arrived = self._arrive(m, step, request, sent)
        kept = {
            "sequence": Signal(8), "status": Signal(Status), "payload": Signal(_Payload), "result": Signal(AXI_BITS),
            "limit": Signal(range(FRAME_WORDS + 1)), "known": Signal(), "corrupt": Signal(),
        }
        self._judge(m, step, arrived, kept, sent, fetched)
        self._access(m, step, arrived, kept)
        self._respond(m, step, kept, response.i, sent, fetched)
        return m

    def _arrive(self, m, step, request, sent) -> dict[str, Signal]:
        """Take a request apart as it comes; words to send go to the queue, the last one excepted."""
        most = LEAST_BYTES + FRAME_WORDS * _WORD_BYTES + 1
        arrived = {
            "count": Signal(range(most + 1)),  # bytes of content, no further than one too many
            "sequence": Signal(8), "kind": Signal(8), "address": Signal(OFFSET_BITS), "word": Signal(AXI_BITS),
            "good": Signal(), "overflow": Signal(),
        }
        count, missed = arrived["count"], Signal()
        begins_word = _ends_word(count) & (count > LEAST_BYTES)  # and one is complete
        sends = (arrived["kind"] == Request.SEND) | (arrived["kind"] == Request.SEND_LAST)
        with m.If((step != _Step.LISTEN) & request.content_valid):
            m.d.sync += missed.eq(1)
        with m.If(request.end):
            m.d.sync += missed.eq(0)
        with m.If((step == _Step.LISTEN) & ~missed):
            with m.If(request.content_valid):
                m.d.sync += [
                    count.eq(count + (count != most)), arrived["word"].eq(Cat(arrived["word"][8:], request.content)),
                ]
                m.d.comb += [sent.i.valid.eq(sends & begins_word), sent.i.payload.data.eq(arrived["word"])]
                with m.Switch(count):
                    for place, name in enumerate(("sequence", "kind", "address")):
                        with m.Case(place):
                            m.d.sync += arrived[name].eq(request.content)
                with m.If(sent.i.valid & ~sent.i.ready):
                    m.d.sync += arrived["overflow"].eq(1)
            with m.If(request.end):
                m.d.sync += [step.eq(_Step.JUDGE), arrived["good"].eq(request.good)]
        return arrived

    def _judge(self, m, step, arrived, kept, sent, fetched):
        """What becomes of a request that has arrived."""
        again = kept["known"] & (arrived["sequence"] == kept["sequence"]) & (arrived["kind"] != Request.RESET)
        fits = Signal()
        with m.Switch(arrived["kind"]):
            for kind in Request:
                with m.Case(kind):
                    m.d.comb += fits.eq(_among(arrived["count"], payload_bytes(kind)))
        with m.If(step == _Step.JUDGE):
            m.d.sync += [
                step.eq(_Step.SEQUENCE), arrived["count"].eq(0), arrived["overflow"].eq(0),
                kept["corrupt"].eq(~arrived["good"]),
            ]
            m.d.comb += sent.revert.eq(1)
            with m.If(arrived["good"] & again):
                m.d.comb += fetched.rewind.eq(1)
            with m.Elif(arrived["good"]):
                m.d.comb += fetched.release.eq(1)
                m.d.sync += [
                    kept["known"].eq(1), kept["sequence"].eq(arrived["sequence"]), kept["limit"].eq(FRAME_WORDS),
                    kept["status"].eq(Mux(fits, Status.OK, Status.INVALID)), kept["payload"].eq(_Payload.NOTHING),
                ]
                with m.If(fits):
                    self._execute(m, step, arrived, kept, sent)

    def _execute(self, m, step, arrived, kept, sent):
        """Begin a request; what takes no time is done."""
        with m.Switch(arrived["kind"]):
            with m.Case(Request.RESET):
                m.d.sync += [
                    step.eq(_Step.RESTART), kept["payload"].eq(_Payload.RESULT), kept["result"].eq(LINK_VERSION),
                ]
            with m.Case(Request.READ):
                m.d.sync += [step.eq(_Step.ACCESS), self.registers.arvalid.eq(1)]
            with m.Case(Request.WRITE):
                m.d.sync += [step.eq(_Step.ACCESS), self.registers.awvalid.eq(1), self.registers.wvalid.eq(1)]
            with m.Case(Request.SEND, Request.SEND_LAST):
                m.d.comb += [
                    sent.i.valid.eq(1), sent.i.payload.data.eq(arrived["word"]),
                    sent.i.payload.last.eq(arrived["kind"] == Request.SEND_LAST),
                ]
                with m.If(arrived["overflow"] | ~sent.i.ready):
                    m.d.sync += kept["status"].eq(Status.FULL)
                with m.Else():
                    m.d.comb += [sent.commit.eq(1), sent.revert.eq(0)]
            with m.Case(Request.FETCH):
                m.d.sync += kept["payload"].eq(_Payload.FETCHED)

    def _access(self, m, step, arrived, kept):
        """Register accesses and the reset, to their end."""
        bus, left = self.registers, Signal(range(_RESTART_CYCLES))
        m.d.comb += [
            bus.awaddr.eq(arrived["address"]), bus.araddr.eq(arrived["address"]), bus.wdata.eq(arrived["word"]),
            bus.wstrb.eq(~0), bus.bready.eq(1), bus.rready.eq(1),
        ]
        for valid, ready in ((bus.awvalid, bus.awready), (bus.wvalid, bus.wready), (bus.arvalid, bus.arready)):
            with m.If(valid & ready):
                m.d.sync += valid.eq(0)
        with m.If(bus.bvalid | bus.rvalid):
            m.d.sync += step.eq(_Step.SEQUENCE)
            with m.If(Mux(bus.bvalid, bus.bresp, bus.rresp) != Response.OKAY):
                m.d.sync += kept["status"].eq(Status.REFUSED)
            with m.Elif(bus.rvalid):
                m.d.sync += [kept["result"].eq(bus.rdata), kept["payload"].eq(_Payload.RESULT)]

        m.d.sync += [self.restart.eq(step == _Step.RESTART), left.eq(left - (step == _Step.RESTART))]
        with m.If((step == _Step.RESTART) & (left == 1)):
            m.d.sync += step.eq(_Step.SEQUENCE)

    def _respond(self, m, step, kept, out, sent, fetched):
        """Send the response; words of the queue are read once more when it is sent again."""
        payload = Mux(kept["corrupt"], _Payload.NOTHING, kept["payload"])
        words, place = Signal.like(kept["limit"]), Signal(range(_WORD_BYTES))
        word, last, status = Signal(AXI_BITS), Signal(), Signal(8)
        no_more = last | (words == kept["limit"]) | fetched.empty
        with m.If(step != _Step.STATUS):
            m.d.sync += status[:STATUS_BITS].eq(Mux(kept["corrupt"], Status.CORRUPT, kept["status"]))
            for flag, value in ((Flag.IRQ, self.irq), (Flag.TAKEN, sent.empty), (Flag.LAST, last)):
                m.d.sync += status[exact_log2(flag)].eq(value)
        with m.Switch(step):
            with m.Case(_Step.SEQUENCE):
                m.d.comb += [out.valid.eq(1), out.payload.data.eq(kept["sequence"])]
                m.d.sync += [words.eq(0), last.eq(0), place.eq(0), word.eq(kept["result"])]
                with m.If(out.ready), m.Switch(payload):
                    with m.Case(_Payload.RESULT):
                        m.d.sync += step.eq(_Step.BYTES)
                    with m.Case(_Payload.FETCHED):
                        m.d.sync += step.eq(_Step.WORD)
                    with m.Default():
                        m.d.sync += step.eq(_Step.STATUS)
            with m.Case(_Step.WORD):
                with m.If(no_more):
                    m.d.sync += [step.eq(_Step.STATUS), kept["limit"].eq(words)]
                with m.Elif(fetched.o.valid):
                    m.d.comb += fetched.o.ready.eq(1)
                    m.d.sync += [step.eq(_Step.BYTES), words.eq(words + 1)]
                    m.d.sync += [word.eq(fetched.o.payload.data), last.eq(fetched.o.payload.last)]
            with m.Case(_Step.BYTES):
                m.d.comb += [out.valid.eq(1), out.payload.data.eq(word[:8])]
                with m.If(out.ready):
                    m.d.sync += [place.eq(place + 1), word.eq(word[8:])]
                    with m.If(place == _WORD_BYTES - 1):
                        m.d.sync += step.eq(Mux(payload == _Payload.FETCHED, _Step.WORD, _Step.STATUS))
            with m.Case(_Step.STATUS):
                m.d.comb += [out.valid.eq(1), out.payload.data.eq(status), out.payload.last.eq(1)]
                with m.If(out.ready):
                    m.d.sync += step.eq(_Step.LISTEN)

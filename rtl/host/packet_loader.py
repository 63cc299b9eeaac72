"""The way in: packets of the host become memory writes. ``spec.packets`` describes them."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.countdown import begin, countdown
from rtl.base.countdown import step as count_down
from rtl.base.ports import AXI_BITS, Chunk, MemoryWrite
from rtl.host.axi import AxiStream
from spec.config import AcceleratorConfig
from spec.packets import CHUNK_NUMBER_LSB, LANE_LSB, PACKET_MAGIC, PER_LANE, Target, clear_words, memory_words
from spec.registers import ErrorCode

__all__ = ["LoadError", "PacketLoader"]

class LoadError(data.Struct):
    """A packet was refused; ``code`` and ``info`` mean something in the one cycle that ``valid`` is 1."""

    valid: 1
    code: ErrorCode
    info: AXI_BITS


class _Step(enum.Enum, shape=3):
    HEADER = 0  #: The next word is the first of a packet.
    ADDRESS = 1  #: The next word is the address.
    LENGTH = 2  #: The next word is the length.
    PAYLOAD = 3  #: The next word goes to the memory.
    DROP = 4  #: Words go nowhere until the packet ends.


class PacketLoader(wiring.Component):
    """Checks the header of every packet and writes its payload to the memory it names.

    Throughput 1 word/cycle; a word is on ``write`` in the cycle after it was taken. A packet that breaks a rule is
    reported once, in the cycle after the offending word, and then dropped up to its ``tlast``; words written before
    that stay. The next packet is received as if nothing had happened.

    ``error.info`` is the first word of the packet (``PACKET_MAGIC``, ``PACKET_TARGET``, and ``PACKET_SHORT`` when there
    was no second word), the address asked for (``PACKET_RANGE``, which includes a length of 0), or the address of the
    first word that is missing (``PACKET_SHORT``) or too many (``PACKET_LONG``). For ``STREAM_ORDER`` it is the second
    word of the chunk, or the first of the packet that came instead of one.

    Chunks for the mask stream are taken while an inference is ``running``, other packets when ``accept`` says so.
    To tell them apart the first word is looked at for a cycle before it is taken, while an inference is running.

    A ``clear`` writes 0 to all words of all activation memories, :func:`spec.packets.clear_words` cycles from the one
    after the next. Until then only words to be dropped are taken. An ``abort`` begins it anew.

    Parameters
    ----------
    config : AcceleratorConfig
        Gives the memories their sizes, at most 2**24 words of 32 bits each.

    Members
    -------
    i : In(AxiStream())
        Packets.
    write : Out(MemoryWrite(lanes))
        The words of their payloads.
    accept : In(1)
        The memories may be written. Without it only chunks and words to be dropped are taken.
    running : In(1)
        An inference is running. When it ends a half received chunk is dropped silently, and so are those that follow,
        up to the next other packet or inference.
    room : In(1)
        There is a place for another chunk.
    hungry : In(1)
        The inference cannot go on without another chunk.
    abort : In(1)
        Forget a half received packet: drop the rest of it silently. Only words to be dropped are taken in such a cycle.
    clear : In(1)
        Only in the cycle after one that was not ``loading``, and while no inference is running.
    loading : Out(1)
        A packet is half received (one that is being dropped is not, nor a chunk that waits for an inference), or a
        clear is going on.
    chunk : Out(Chunk)
        A chunk has arrived: for one cycle, that of the write of its last word.
    error : Out(LoadError)
        A packet was refused.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "i": In(AxiStream()),
            "write": Out(MemoryWrite(config.lanes)),
            "accept": In(1),
            "running": In(1),
            "room": In(1),
            "hungry": In(1),
            "abort": In(1),
            "clear": In(1),
            "loading": Out(1),
            "chunk": Out(Chunk),
            "error": Out(LoadError),
        })

    def elaborate(self, platform):
        m = Module()

        step, following = Signal(_Step, name="step"), Signal(_Step, name="following")
        fault, error = Signal(ErrorCode, name="fault"), Signal(LoadError, name="error")
        transfer = Signal(name="transfer")
        target = Signal(Target)
        address, passed = Signal(AXI_BITS), Signal(AXI_BITS)  # of the word offered; before the last one was counted
        space = Signal(signed(AXI_BITS + 1))  # words of the memory from the address on
        remaining = Signal(countdown(max(memory_words(self.config).values()).bit_length()))
        streaming, begun, awaited = Signal(), Signal(), Signal()  # streaming: the target is MASK_STREAM
        clearing = Signal()
        m.d.comb += [
            address.eq(passed + (self.write.en | self.write.clear)),
            begun.eq((step != _Step.HEADER) & (step != _Step.DROP)),
            self.loading.eq(begun & ~(streaming & (step == _Step.ADDRESS)) | clearing),
            transfer.eq(self.i.tvalid & self.i.tready),
            error.valid.eq(transfer & (fault != ErrorCode.NONE)),
            error.code.eq(fault),
        ]
        self._report(m, error, (step == _Step.HEADER) | (step == _Step.ADDRESS), address)
        heads_chunk = self.i.tdata == PACKET_MAGIC | Target.MASK_STREAM if self.config.streams else Const(0)
        arrived = transfer & self.i.tlast & streaming & (step == _Step.PAYLOAD) & remaining.last
        late = self._follow_inference(m, transfer & (step == _Step.HEADER) & ~heads_chunk)
        chunk_offered = self._look_ahead(m, error, (step == _Step.HEADER) & self.i.tvalid & ~transfer, heads_chunk)
        number = Signal(AXI_BITS - CHUNK_NUMBER_LSB)
        self._await(m, step, streaming, self.accept & ~self.clear & ~clearing, chunk_offered, awaited)
        m.d.comb += self.i.tready.eq((step == _Step.DROP) | awaited & ~self.abort)
        m.d.sync += [
            self.write.en.eq(transfer & (step == _Step.PAYLOAD)),
            passed.eq(Mux((step == _Step.ADDRESS) & ~clearing, self._place(streaming), address)),
            self.write.target.eq(target),
            self.write.address.eq(address),
            self.write.lane.eq(address[LANE_LSB:]),
            self.write.data.eq(self.i.tdata),
            self.chunk.valid.eq(arrived), self.chunk.end.eq(address + 1),
            number.eq(Mux(self.running, number + self.chunk.valid, 0)),
        ]
        self._clear(m, clearing, passed, address[clear_words(self.config).bit_length() - 1])
        self._move_on(m, (step, following), transfer, fault, begun & (self.abort | late & streaming))

        with m.Switch(step):  # the last word offered is the one taken, so these need not wait for it
            with m.Case(_Step.ADDRESS):
                m.d.sync += space.eq(self._space(m, target, streaming))
            with m.Case(_Step.LENGTH):
                m.d.sync += [*begin(remaining, self.i.tdata), self.chunk.first.eq(address)]
        with m.If(transfer), m.Switch(step):
            with m.Case(_Step.HEADER):
                chunk = (self.i.tdata[:16] == Target.MASK_STREAM) & self.config.streams
                m.d.sync += [target.eq(self.i.tdata), streaming.eq(chunk)]
            with m.Case(_Step.PAYLOAD):
                m.d.sync += count_down(remaining)
        self._judge(m, (step, following), fault, space, remaining)
        with m.If((step == _Step.HEADER) & late & heads_chunk):
            m.d.comb += following.eq(_Step.DROP)
        with m.If((step == _Step.ADDRESS) & streaming & (self.i.tdata[CHUNK_NUMBER_LSB:] != number)):
            m.d.comb += fault.eq(ErrorCode.STREAM_ORDER)

        return m

    def _report(self, m, error, of_word, address) -> None:
        """Report an ``error`` a cycle later. What it is about needs no register: the word offered is still there, and
        the address has moved on by the words taken.
        """
        about_word = Signal()
        m.d.sync += [
            self.error.valid.eq(error.valid), self.error.code.eq(error.code), about_word.eq(of_word),
        ]
        m.d.comb += self.error.info.eq(Mux(about_word, self.write.data, address))

    def _clear(self, m, clearing, passed, beyond) -> None:
        """Count the address through a clear, until it is ``beyond`` all memories."""
        begins = self.clear | clearing & self.abort
        m.d.sync += [
            clearing.eq(begins | clearing & ~beyond),
            self.write.clear.eq(clearing & ~begins & ~beyond),
        ]
        with m.If(begins):
            m.d.sync += passed.eq(0)
        with m.If(clearing):
            m.d.sync += self.write.data.eq(0)

    def _await(self, m, step, streaming, accept, chunk_offered, awaited) -> None:
        """Whether a word is ``awaited`` in ``step``: the memories may be written, or it is one of a chunk to take."""
        m.d.comb += awaited.eq(accept)
        with m.Switch(step):
            with m.Case(_Step.HEADER):
                m.d.comb += awaited.eq(accept | chunk_offered)
            with m.Case(_Step.ADDRESS, _Step.LENGTH, _Step.PAYLOAD), m.If(streaming):
                m.d.comb += awaited.eq(self.running & (self.room | (step != _Step.ADDRESS)))

    def _move_on(self, m, steps, transfer, fault, forget) -> None:
        """Go to the following step with a word taken; drop what is refused or to be forgotten."""
        step, following = steps
        with m.If(transfer & self.i.tlast):
            m.d.sync += step.eq(_Step.HEADER)
        with m.Elif(transfer):
            m.d.sync += step.eq(following)
            with m.If(fault != ErrorCode.NONE):
                m.d.sync += step.eq(_Step.DROP)
        with m.Elif(forget):
            m.d.sync += step.eq(_Step.DROP)

    def _look_ahead(self, m, error, offered, heads_chunk) -> Signal:
        """Whether the first word ``offered`` is that of a chunk to take. Another is wrong while a chunk is needed."""
        chunk, other = Signal(), Signal()
        m.d.sync += [
            chunk.eq(offered & self.running & heads_chunk),
            other.eq(offered & self.running & ~heads_chunk & ~error.valid & ~self.error.valid),
        ]
        with m.If(other & self.running & self.hungry):
            m.d.comb += [error.valid.eq(1), error.code.eq(ErrorCode.STREAM_ORDER)]
        return chunk & self.running

    def _follow_inference(self, m, other_begins) -> Signal:
        """Whether a chunk is one of an inference that has ended."""
        ran, stale, late = Signal(), Signal(), Signal()
        m.d.comb += late.eq(~self.running & (ran | stale))
        m.d.sync += [ran.eq(self.running), stale.eq((late | self.abort) & ~self.running & ~other_begins)]
        return late

    def _place(self, streaming) -> Value:
        """The address in the word offered."""
        return Mux(streaming, self.i.tdata[:CHUNK_NUMBER_LSB], self.i.tdata)

    def _unknown(self, target) -> Value:
        """Whether the build has no memory with the number ``target``."""
        known = memory_words(self.config)
        gaps = [target == number for number in range(max(known)) if number not in known]
        return Cat(target > max(known), *gaps).any()

    def _space(self, m, target, streaming) -> Value:
        """Words of the ``target`` memory from that address on; none or fewer if it is beyond the memory."""
        size, within = Signal(range(max(memory_words(self.config).values()) + 1)), Signal(AXI_BITS)
        with m.Switch(target):
            for name, words in memory_words(self.config).items():
                with m.Case(name):
                    m.d.comb += size.eq(words)
        # A lane that is not there keeps a bit above the lanes', which no memory reaches.
        lanes_end = LANE_LSB + len(self.write.lane)
        m.d.comb += within.eq(self._place(streaming))
        with m.If(Cat(target == memory for memory in PER_LANE).any()):
            m.d.comb += within[LANE_LSB:lanes_end].eq(0)
        return size - within

    def _judge(self, m, steps, fault, space, remaining):
        """Say what is wrong with the word offered in the present step, and which step follows if nothing is."""
        (step, following), word, last = steps, self.i.tdata, self.i.tlast
        m.d.comb += following.eq(step)
        with m.Switch(step):
            with m.Case(_Step.HEADER):
                m.d.comb += following.eq(_Step.ADDRESS)
                with m.If(word[16:] != PACKET_MAGIC >> 16):
                    m.d.comb += fault.eq(ErrorCode.PACKET_MAGIC)
                with m.Elif(self._unknown(word[:16])):
                    m.d.comb += fault.eq(ErrorCode.PACKET_TARGET)
                with m.Elif(last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
            with m.Case(_Step.ADDRESS):
                m.d.comb += following.eq(_Step.LENGTH)
                with m.If(last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
            with m.Case(_Step.LENGTH):
                m.d.comb += following.eq(_Step.PAYLOAD)
                # A space that is not negative is no larger than the memory: comparing so many bits will do.
                bits = len(remaining.left)
                with m.If((word == 0) | space[-1] | word[bits:].any() | (space[:bits] < word[:bits])):
                    m.d.comb += fault.eq(ErrorCode.PACKET_RANGE)
                with m.Elif(last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
            with m.Case(_Step.PAYLOAD):
                with m.If(last & ~remaining.last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
                with m.If(~last & remaining.last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_LONG)

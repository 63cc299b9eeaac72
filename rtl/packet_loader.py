"""The way in: packets of the host become memory writes. ``spec.packets`` describes them."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, enum, wiring
from amaranth.lib.wiring import In, Out

from rtl.axi import AXI_BITS, AxiStream
from spec.config import AcceleratorConfig
from spec.packets import PACKET_MAGIC, Target, memory_words
from spec.registers import ErrorCode

__all__ = ["WRITE_ADDRESS_BITS", "LoadError", "MemoryWrite", "PacketLoader"]

WRITE_ADDRESS_BITS = 24  #: Bits of the address of a 32-bit word.


class MemoryWrite(wiring.Signature):
    """Writes of 32-bit words, from the writer's side. There is no back-pressure: every memory takes a word a cycle.

    Members
    -------
    en : Out(1)
        Write in this cycle.
    target : Out(Target)
        Memory to write.
    address : Out(24)
        Which 32-bit word of it; wider memory words are numbered lowest part first.
    data : Out(32)
        The word.
    """

    def __init__(self):
        super().__init__({
            "en": Out(1), "target": Out(Target), "address": Out(WRITE_ADDRESS_BITS), "data": Out(AXI_BITS),
        })

    def __eq__(self, other):
        return type(other) is MemoryWrite

    def __hash__(self):
        return hash(MemoryWrite)

    def __repr__(self):
        return "MemoryWrite()"


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
    reported once, in the cycle of the offending word, and then dropped up to its ``tlast``; words written before
    that stay. The next packet is received as if nothing had happened.

    ``error.info`` is the first word of the packet (``PACKET_MAGIC``, ``PACKET_TARGET``, and ``PACKET_SHORT`` when there
    was no second word), the address asked for (``PACKET_RANGE``, which includes a length of 0), or the address of the
    first word that is missing (``PACKET_SHORT``) or too many (``PACKET_LONG``).

    Parameters
    ----------
    config : AcceleratorConfig
        Gives the memories their sizes, at most 2**24 words of 32 bits each.

    Members
    -------
    i : In(AxiStream())
        Packets.
    write : Out(MemoryWrite())
        The words of their payloads.
    accept : In(1)
        The memories may be written. Without it only words to be dropped are taken.
    abort : In(1)
        Forget a half received packet: drop the rest of it silently. Only words to be dropped are taken in such a cycle.
    loading : Out(1)
        A packet is half received (one that is being dropped is not).
    error : Out(LoadError)
        A packet was refused.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        super().__init__({
            "i": In(AxiStream()),
            "write": Out(MemoryWrite()),
            "accept": In(1),
            "abort": In(1),
            "loading": Out(1),
            "error": Out(LoadError),
        })

    def elaborate(self, platform):
        m = Module()

        step = Signal(_Step)
        following = Signal(_Step)
        fault = Signal(ErrorCode)
        transfer = Signal()
        target = Signal(Target)
        address = Signal(AXI_BITS)
        remaining = Signal(range(max(memory_words(self.config).values()) + 1))

        m.d.comb += [
            self.i.tready.eq((step == _Step.DROP) | self.accept & ~self.abort),
            self.loading.eq((step != _Step.HEADER) & (step != _Step.DROP)),
            transfer.eq(self.i.tvalid & self.i.tready),
            self.error.valid.eq(transfer & (fault != ErrorCode.NONE)),
            self.error.code.eq(fault),
        ]
        m.d.sync += [
            self.write.en.eq(transfer & (step == _Step.PAYLOAD)),
            self.write.target.eq(target),
            self.write.address.eq(address),
            self.write.data.eq(self.i.tdata),
        ]
        with m.If(transfer & self.i.tlast):
            m.d.sync += step.eq(_Step.HEADER)
        with m.Elif(transfer):
            m.d.sync += step.eq(following)
            with m.If(fault != ErrorCode.NONE):
                m.d.sync += step.eq(_Step.DROP)
        with m.Elif(self.abort & self.loading):
            m.d.sync += step.eq(_Step.DROP)

        with m.If(transfer), m.Switch(step):
            with m.Case(_Step.HEADER):
                m.d.sync += target.eq(self.i.tdata)
            with m.Case(_Step.ADDRESS):
                m.d.sync += address.eq(self.i.tdata)
            with m.Case(_Step.LENGTH):
                m.d.sync += remaining.eq(self.i.tdata)
            with m.Case(_Step.PAYLOAD):
                m.d.sync += [address.eq(address + 1), remaining.eq(remaining - 1)]
        self._judge(m, step, following, fault, target, address, remaining)

        return m

    def _judge(self, m, step, following, fault, target, address, remaining):
        """Say what is wrong with the word offered in ``step``, and which step follows if nothing is."""
        word, last = self.i.tdata, self.i.tlast
        size = Signal.like(remaining)
        with m.Switch(target):
            for name, words in memory_words(self.config).items():
                with m.Case(name):
                    m.d.comb += size.eq(words)
        m.d.comb += following.eq(step)
        with m.Switch(step):
            with m.Case(_Step.HEADER):
                m.d.comb += [following.eq(_Step.ADDRESS), self.error.info.eq(word)]
                with m.If(word[16:] != PACKET_MAGIC >> 16):
                    m.d.comb += fault.eq(ErrorCode.PACKET_MAGIC)
                with m.Elif(word[:16] >= len(Target)):
                    m.d.comb += fault.eq(ErrorCode.PACKET_TARGET)
                with m.Elif(last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
            with m.Case(_Step.ADDRESS):
                m.d.comb += [following.eq(_Step.LENGTH), self.error.info.eq(word)]
                with m.If(last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
            with m.Case(_Step.LENGTH):
                m.d.comb += [following.eq(_Step.PAYLOAD), self.error.info.eq(address)]
                with m.If((word == 0) | (address + word > size)):
                    m.d.comb += fault.eq(ErrorCode.PACKET_RANGE)
                with m.Elif(last):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
            with m.Case(_Step.PAYLOAD):
                m.d.comb += self.error.info.eq(address + 1)
                with m.If(last & (remaining != 1)):
                    m.d.comb += fault.eq(ErrorCode.PACKET_SHORT)
                with m.If(~last & (remaining == 1)):
                    m.d.comb += fault.eq(ErrorCode.PACKET_LONG)

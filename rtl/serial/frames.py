"""Frames of the serial link (:mod:`spec.serial_link`), byte by byte: flags, escapes and CRC, off and on."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.wiring import In, Out

from spec.serial_link import CRC_GOOD, CRC_POLYNOMIAL, CRC_START, ESCAPE, ESCAPE_XOR, FLAG, LEAST_BYTES

__all__ = ["ContentByte", "FrameReceiver", "FrameTransmitter"]

_CRC_BITS = 16
_CRC_BYTES = _CRC_BITS // 8


def _crc_after(state: Value, byte: Value) -> Value:
    """State of the CRC after ``byte``, as :func:`spec.serial_link.crc16` defines it."""
    for bit in byte:
        state = Cat(state[1:], Const(0, 1)) ^ Mux(state[0] ^ bit, CRC_POLYNOMIAL, 0)
    return state[:_CRC_BITS]


class FrameReceiver(wiring.Component):
    """Takes flags, escapes and CRC off what a :class:`rtl.serial.uart.UartReceiver` gives.

    The CRC is known by what follows it, so content comes two bytes late, and whether it is good only at the end.

    Members
    -------
    byte : In(8)
    valid, broken : In(1)
        As from the receiver.
    content : Out(8)
    content_valid : Out(1)
        A byte of the content, for one cycle: that after ``valid``.
    end : Out(1)
        The frame has ended: for one cycle, that after its last flag. Nothing between two flags is no frame.
    good : Out(1)
        With ``end``: nothing was wrong with it, and it has at least ``LEAST_BYTES`` bytes of content.
    """

    byte: In(8)
    valid: In(1)
    broken: In(1)
    content: Out(8)
    content_valid: Out(1)
    end: Out(1)
    good: Out(1)

    def elaborate(self, platform):
        m = Module()

        enough = LEAST_BYTES + _CRC_BYTES
        count = Signal(range(enough + 1))  # bytes without escapes, no further than enough
        held = Signal(data.ArrayLayout(8, _CRC_BYTES))
        crc = Signal(_CRC_BITS, init=CRC_START)
        escaped, spoilt = Signal(), Signal()
        plain = Signal(8)
        m.d.comb += plain.eq(self.byte ^ Mux(escaped, ESCAPE_XOR, 0))
        m.d.sync += [self.content_valid.eq(0), self.end.eq(0)]
        with m.If(self.broken):
            m.d.sync += spoilt.eq(1)
        with m.If(self.valid):
            with m.If(self.byte == FLAG):
                m.d.sync += [
                    self.end.eq((count != 0) | escaped | spoilt),
                    self.good.eq((count == enough) & ~escaped & ~spoilt & (crc == CRC_GOOD)),
                    count.eq(0), crc.eq(CRC_START), escaped.eq(0), spoilt.eq(0),
                ]
            with m.Elif((self.byte == ESCAPE) & ~escaped):
                m.d.sync += escaped.eq(1)
            with m.Else():
                m.d.sync += [
                    escaped.eq(0), crc.eq(_crc_after(crc, plain)), count.eq(count + (count != enough)),
                    Cat(held[0], held[1]).eq(Cat(held[1], plain)),
                    self.content.eq(held[0]), self.content_valid.eq(count >= _CRC_BYTES),
                ]

        return m


class ContentByte(data.Struct):
    """A byte of the content of a frame."""

    data: 8
    last: 1


class _Step(enum.Enum, shape=3):
    OPEN = 0  #: The first flag, when there is content.
    CONTENT = 1
    CRC_LOW = 2
    CRC_HIGH = 3
    CLOSE = 4  #: The last flag.


class FrameTransmitter(wiring.Component):
    """Adds flags, escapes and CRC. A byte in is taken when it, or its escape and then it, was taken.

    Members
    -------
    i : In(stream.Signature(ContentByte))
        Content of frames.
    o : Out(stream.Signature(8))
        Bytes for the line.
    """

    i: In(stream.Signature(ContentByte))
    o: Out(stream.Signature(8))

    def elaborate(self, platform):
        m = Module()

        step = Signal(_Step)
        crc = Signal(_CRC_BITS, init=CRC_START)
        escaped, escape, special = Signal(), Signal(), Signal()
        plain = Signal(8)
        m.d.comb += [
            special.eq((step == _Step.OPEN) | (step == _Step.CLOSE)),
            escape.eq(~special & ~escaped & ((plain == FLAG) | (plain == ESCAPE))),
            self.o.valid.eq(self.i.valid | (step != _Step.OPEN) & (step != _Step.CONTENT)),
            self.o.payload.eq(Mux(special, FLAG, Mux(escape, ESCAPE, plain ^ Mux(escaped, ESCAPE_XOR, 0)))),
            self.i.ready.eq((step == _Step.CONTENT) & self.o.ready & ~escape),
        ]
        with m.Switch(step):
            with m.Case(_Step.CRC_LOW):
                m.d.comb += plain.eq(~crc[:8])
            with m.Case(_Step.CRC_HIGH):
                m.d.comb += plain.eq(~crc[8:])
            with m.Default():
                m.d.comb += plain.eq(self.i.payload.data)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += escaped.eq(escape)
            with m.If(~escape), m.Switch(step):
                with m.Case(_Step.OPEN):
                    m.d.sync += [step.eq(_Step.CONTENT), crc.eq(CRC_START)]
                with m.Case(_Step.CONTENT):
                    m.d.sync += crc.eq(_crc_after(crc, plain))
                    with m.If(self.i.payload.last):
                        m.d.sync += step.eq(_Step.CRC_LOW)
                with m.Case(_Step.CRC_LOW):
                    m.d.sync += step.eq(_Step.CRC_HIGH)
                with m.Case(_Step.CRC_HIGH):
                    m.d.sync += step.eq(_Step.CLOSE)
                with m.Case(_Step.CLOSE):
                    m.d.sync += step.eq(_Step.OPEN)

        return m

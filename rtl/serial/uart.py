"""The two ends of an asynchronous serial line: 8 data bits, lowest first, no parity, one stop bit."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import enum, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["DIVIDER_LEAST", "UartReceiver", "UartTransmitter"]

DIVIDER_LEAST = 4  #: Fewest cycles of a bit.

_DATA_BITS = 8


def _check_divider(divider: int) -> int:
    if not isinstance(divider, int) or divider < DIVIDER_LEAST:
        raise ValueError(f"A bit must last a whole number of cycles, at least {DIVIDER_LEAST}, not {divider!r}")
    return divider


class _Step(enum.Enum, shape=2):
    IDLE = 0  #: The line is high, or was until now.
    BITS = 1  #: The start bit, then the data bits.
    STOP = 2  #: The stop bit.
    BREAK = 3  #: There was none; the line has been low since.


class UartReceiver(wiring.Component):
    """Bytes of a line, each looked at once in the middle of every bit.

    A start bit that is over by its middle is none. A byte whose stop bit is low is lost, and no other begins before the
    line is high. Takes line rates up to 4 % from its own, less where a bit is only a few cycles.

    Parameters
    ----------
    divider : int
        Cycles of a bit, at least :data:`DIVIDER_LEAST`.

    Members
    -------
    rx : In(1)
        The line, of any clock.
    byte : Out(8)
        The byte that arrived last.
    valid : Out(1)
        It has just arrived: for one cycle, in the middle of its stop bit.
    broken : Out(1)
        A byte without stop bit, for one cycle.
    """

    def __init__(self, divider: int):
        self.divider = _check_divider(divider)
        super().__init__({"rx": In(1, init=1), "byte": Out(_DATA_BITS), "valid": Out(1), "broken": Out(1)})

    def elaborate(self, platform):
        m = Module()

        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        step, left = Signal(_Step), Signal(range(self.divider))
        count = Signal(range(_DATA_BITS + 1))
        m.d.sync += [self.valid.eq(0), self.broken.eq(0), left.eq(left - 1)]
        with m.Switch(step):
            with m.Case(_Step.IDLE):
                m.d.sync += [left.eq(self.divider // 2 - 1), count.eq(0)]
                with m.If(~line):
                    m.d.sync += step.eq(_Step.BITS)
            with m.Case(_Step.BITS), m.If(left == 0):
                m.d.sync += [left.eq(self.divider - 1), count.eq(count + 1)]
                m.d.sync += self.byte.eq(Cat(self.byte[1:], line))
                with m.If((count == 0) & line):
                    m.d.sync += step.eq(_Step.IDLE)
                with m.If(count == _DATA_BITS):
                    m.d.sync += step.eq(_Step.STOP)
            with m.Case(_Step.STOP), m.If(left == 0):
                m.d.sync += [self.valid.eq(line), self.broken.eq(~line), step.eq(_Step.BREAK)]
                with m.If(line):
                    m.d.sync += step.eq(_Step.IDLE)
            with m.Case(_Step.BREAK), m.If(line):
                m.d.sync += step.eq(_Step.IDLE)

        return m


class UartTransmitter(wiring.Component):
    """Puts bytes on a line, at best back to back: one every ``10 * divider`` cycles.

    Parameters
    ----------
    divider : int
        Cycles of a bit, at least :data:`DIVIDER_LEAST`.

    Members
    -------
    i : In(stream.Signature(8))
        Bytes.
    tx : Out(1)
        The line, high between bytes and after reset.
    """

    def __init__(self, divider: int):
        self.divider = _check_divider(divider)
        super().__init__({"i": In(stream.Signature(_DATA_BITS)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()

        bits = Signal(_DATA_BITS + 1)  # still to come, the stop bit last
        count, left = Signal(range(_DATA_BITS + 3)), Signal(range(self.divider))
        m.d.comb += self.i.ready.eq((count == 0) | (count == 1) & (left == 0))
        with m.If(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.Elif(count != 0):
            m.d.sync += [self.tx.eq(bits[0]), bits.eq(Cat(bits[1:], 1)), count.eq(count - 1), left.eq(self.divider - 1)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [self.tx.eq(0), bits.eq(Cat(self.i.payload, 1))]
            m.d.sync += [count.eq(_DATA_BITS + 2), left.eq(self.divider - 1)]

        return m

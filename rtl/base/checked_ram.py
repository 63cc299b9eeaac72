"""A memory that knows when a word is not the one that was written: a parity bit beside every 32 bits."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS, WordFault, WritePort
from rtl.base.ram import Ram

__all__ = ["CheckedRam"]


class CheckedRam(wiring.Component):
    """:class:`rtl.base.ram.Ram` of 32-bit parts. With ``protect`` each part is stored with the bit that makes its ones
    odd in number, ``p = 1 ^ b0 ^ ... ^ b31``, so a single flip among the 33 is always seen.

    Only the parts of ``read_data`` that are ``used`` are judged: what was never written may be read, not used. The bits
    lie in a memory of their own: 32,768 words of 33 bits took 440 LUTs more on ECP5, whose deep block RAMs have no
    ninth bit.

    Timing: that of ``Ram``, or, if its blocks lie ``far``, one enabled cycle more; ``fault`` stands one cycle after
    ``used``.

    Parameters
    ----------
    width : int
        Bits per word, a multiple of 32.
    depth : int
        Words.
    protect : bool
        Without it there is no bit and never a fault.
    far : bool
        It fills so many block RAMs that they lie all over the chip: what is read gets a register more, near those who
        take it.

    Attributes
    ----------
    latency : int
        Enabled cycles from address to data.

    Members
    -------
    write : In(WritePort(width, depth, 32))
    read_address : In(range(depth))
    read_enable : In(1)
    read_data : Out(width)
    used : In(width // 32)
        The parts of ``read_data`` that somebody takes in this cycle. Not without ``protect``.
    fault : Out(WordFault(depth))
        A part taken in the cycle before was wrong, and the word it was of.
    """

    def __init__(self, *, width: int, depth: int, protect: bool, far: bool = False):
        self.width = width
        self.depth = depth
        self.protect = protect
        self.latency = Ram.LATENCY + far
        super().__init__(({"used": In(width // AXI_BITS)} if protect else {}) | {
            "write": In(WritePort(width=width, depth=depth, part=AXI_BITS)),
            "read_address": In(range(depth)),
            "read_enable": In(1),
            "read_data": Out(width),
            "fault": Out(WordFault(depth)),
        })
        self.cells = Ram(width=width, depth=depth, part=AXI_BITS)
        self.parity = Ram(width=width // AXI_BITS, depth=depth, part=1) if protect else None

    def elaborate(self, platform):
        m = Module()

        m.submodules.cells = self.cells
        wiring.connect(m, wiring.flipped(self.write), self.cells.write)
        m.d.comb += [
            self.cells.read_address.eq(self.read_address),
            self.cells.read_enable.eq(self.read_enable),
            self.read_data.eq(self._late(m, "word", self.cells.read_data, self.latency - Ram.LATENCY)),
        ]
        if self.protect:
            m.submodules.parity = self.parity
            self._check(m)
        return m

    def _late(self, m: Module, name: str, value: Value, cycles: int) -> Value:
        """``value`` as it was so many cycles of ``read_enable`` ago."""
        for cycle in range(cycles):
            after = Signal.like(value, name=f"{name}{cycle + 1}", reset_less=True)
            with m.If(self.read_enable):
                m.d.sync += after.eq(value)
            value = after
        return value

    def _check(self, m: Module) -> None:
        """Store a bit with every part, and judge the parts that are used by it."""
        parity, parts = self.parity, range(self.width // AXI_BITS)
        odd = self._late(m, "parity", self.parity.read_data, self.latency - Ram.LATENCY)
        wrong, judged = Signal(len(parts)), Signal(len(parts))
        m.d.comb += [
            parity.write.address.eq(self.write.address),
            parity.write.enable.eq(self.write.enable),
            parity.write.data.eq(Cat(~self.write.data.word_select(part, AXI_BITS).xor() for part in parts)),
            parity.read_address.eq(self.read_address),
            parity.read_enable.eq(self.read_enable),
            self.fault.valid.eq(wrong.any()),
        ]
        m.d.sync += judged.eq(self.used)
        for part in parts:
            read = Cat(self.read_data.word_select(part, AXI_BITS), odd[part])
            third = Signal(3, name=f"third{part}", reset_less=True)  # the bits may come from far away
            m.d.sync += third.eq(Cat(read[number::3].xor() for number in range(3)))
            m.d.comb += wrong[part].eq(judged[part] & ~third.xor())
        m.d.sync += self.fault.address.eq(self._late(m, "address", self.read_address, self.latency))

"""A memory that knows when a word is not the one that was written: a parity bit beside every 32 bits."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS, WordFault, WritePort
from rtl.base.ram import Ram

__all__ = ["CheckedRam"]


class CheckedRam(wiring.Component):
    """:class:`rtl.base.ram.Ram` of 32-bit parts. With ``protect`` each part is stored with the bit that makes its ones
    odd in number, ``p = 1 ^ b0 ^ ... ^ b31``, so a single flip among the 33 is always seen.

    Only the parts of ``read_data`` that are ``used`` are judged: what was never written may be read, not used. Block
    RAMs are 9, 18 or 36 bits wide, and the bit has its place in them.

    Timing: that of ``Ram``; ``fault`` stands one cycle after ``used``.

    Parameters
    ----------
    width : int
        Bits per word, a multiple of 32.
    depth : int
        Words.
    protect : bool
        Without it there is no bit and never a fault.

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

    #: Enabled cycles from address to data.
    LATENCY = Ram.LATENCY

    def __init__(self, *, width: int, depth: int, protect: bool):
        self.width = width
        self.depth = depth
        self.protect = protect
        super().__init__(({"used": In(width // AXI_BITS)} if protect else {}) | {
            "write": In(WritePort(width=width, depth=depth, part=AXI_BITS)),
            "read_address": In(range(depth)),
            "read_enable": In(1),
            "read_data": Out(width),
            "fault": Out(WordFault(depth)),
        })
        stored = AXI_BITS + protect
        self.cells = Ram(width=width // AXI_BITS * stored, depth=depth, part=stored)

    def elaborate(self, platform):
        m = Module()

        parts, stored = self.width // AXI_BITS, AXI_BITS + self.protect
        m.submodules.cells = cells = self.cells
        m.d.comb += [
            cells.write.address.eq(self.write.address),
            cells.write.enable.eq(self.write.enable),
            cells.read_address.eq(self.read_address),
            cells.read_enable.eq(self.read_enable),
        ]
        wrong, address = Signal(parts), self.read_address
        for part in range(parts):
            given, kept = self.write.data.word_select(part, AXI_BITS), cells.read_data.word_select(part, stored)
            m.d.comb += cells.write.data.word_select(part, stored).eq(Cat(given, ~given.xor())[:stored])
            m.d.comb += self.read_data.word_select(part, AXI_BITS).eq(kept)
            if self.protect:
                m.d.sync += wrong[part].eq(self.used[part] & ~kept.xor())
        if self.protect:
            for stage in range(Ram.LATENCY):
                after = Signal.like(self.read_address, name=f"address{stage + 1}", reset_less=True)
                with m.If(self.read_enable):
                    m.d.sync += after.eq(address)
                address = after
            m.d.sync += self.fault.address.eq(address)
            m.d.comb += self.fault.valid.eq(wrong.any())
        return m

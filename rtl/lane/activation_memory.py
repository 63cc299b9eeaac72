"""The X or T memory: words of C channels, written by column, read by whole word."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ports import AXI_BITS, WRITE_ADDRESS_BITS, ReadStep, StoreStep, WritePort
from rtl.base.ram import Ram
from spec.commands import ADDRESS_BITS

__all__ = ["ActivationMemory"]


class ActivationMemory(wiring.Component):
    """Words of ``word_bytes`` activations. The requantizer writes one column of a word (``rows`` bytes), the host one
    32-bit part; either stands in the memory two cycles later. A read returns the whole word two enabled cycles later.

    While results are stored, here or elsewhere, the host's writes are lost: so where they come from is the same for all
    memories of a lane, and chosen once.

    Parameters
    ----------
    word_bytes, rows, words : int
        C, Tm and the depth.
    address_bits : int
        Bits of a word address; those that the depth does not need are ignored.

    Members
    -------
    read : In(ReadStep)
    word : Out(8 * word_bytes)
    store : In(StoreStep)
        To this memory or another.
    meant : In(1)
        To this one.
    result : In(8 * rows)
        The column that is stored.
    host : In(WritePort)
        Of 32-bit parts.
    """

    def __init__(self, *, word_bytes: int, rows: int, words: int, address_bits: int = ADDRESS_BITS):
        self.word_bytes = word_bytes
        self.rows = rows
        self.words = words
        super().__init__({
            "read": In(ReadStep(address_bits)),
            "word": Out(8 * word_bytes),
            "store": In(StoreStep(address_bits, word_bytes // rows)),
            "meant": In(1),
            "result": In(8 * rows),
            "host": In(WritePort(width=AXI_BITS, depth=1 << WRITE_ADDRESS_BITS)),
        })

    def elaborate(self, platform):
        m = Module()

        host, stored = self.host, self.store.enable
        parts, columns = self.word_bytes // 4, self.word_bytes // self.rows
        part_bits = (parts - 1).bit_length()
        m.submodules.ram = ram = Ram(width=8 * self.word_bytes, depth=self.words, part=32)
        result_parts = Signal(parts)
        for column in range(columns):
            with m.If(self.meant & (self.store.column == column)):
                m.d.comb += result_parts.word_select(column, parts // columns).eq(-1)
        m.d.comb += [
            ram.read_address.eq(self.read.address),
            ram.read_enable.eq(self.read.enable),
            self.word.eq(ram.read_data),
        ]
        m.d.sync += [
            ram.write.address.eq(Mux(stored, self.store.address, host.address >> part_bits)),
            ram.write.data.eq(Mux(stored, self.result.replicate(columns), host.data.replicate(parts))),
            ram.write.enable.eq(Mux(stored, result_parts, host.enable << host.address[:part_bits])),
        ]
        return m

"""The X or T memory: words of C channels, written by column, read by whole word."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.ram import Ram
from spec.commands import ADDRESS_BITS

__all__ = ["ActivationMemory"]


class ActivationMemory(wiring.Component):
    """Words of ``word_bytes`` activations. The requantizer writes one column of a word (``rows`` bytes), the host one
    32-bit part; either stands in the memory two cycles later. A read returns the whole word two enabled cycles later.
    The host's write wins.

    Parameters
    ----------
    word_bytes, rows, words : int
        C, Tm and the depth.

    Members
    -------
    read_address : In(24)
    read_enable : In(1)
    word : Out(8 * word_bytes)
    result_write : In(1)
    result_address : In(24)
    result_column : In(range(word_bytes // rows))
    result : In(8 * rows)
    host_write : In(1)
    host_address : In(24)
        In 32-bit parts.
    host_data : In(32)
    """

    def __init__(self, *, word_bytes: int, rows: int, words: int):
        self.word_bytes = word_bytes
        self.rows = rows
        self.words = words
        super().__init__({
            "read_address": In(ADDRESS_BITS),
            "read_enable": In(1),
            "word": Out(8 * word_bytes),
            "result_write": In(1),
            "result_address": In(ADDRESS_BITS),
            "result_column": In(range(word_bytes // rows)),
            "result": In(8 * rows),
            "host_write": In(1),
            "host_address": In(ADDRESS_BITS),
            "host_data": In(32),
        })

    def elaborate(self, platform):
        m = Module()

        parts, columns = self.word_bytes // 4, self.word_bytes // self.rows
        part_bits = (parts - 1).bit_length()
        m.submodules.ram = ram = Ram(width=8 * self.word_bytes, depth=self.words, part=32)
        result_parts = Signal(parts)
        for column in range(columns):
            with m.If(self.result_write & (self.result_column == column)):
                m.d.comb += result_parts.word_select(column, parts // columns).eq(-1)
        m.d.comb += [
            ram.read_address.eq(self.read_address),
            ram.read_enable.eq(self.read_enable),
            self.word.eq(ram.read_data),
        ]
        m.d.sync += [
            ram.write_address.eq(Mux(self.host_write, self.host_address >> part_bits, self.result_address)),
            ram.write_data.eq(Mux(self.host_write, self.host_data.replicate(parts), self.result.replicate(columns))),
            ram.write_enable.eq(Mux(self.host_write, 1 << self.host_address[:part_bits], result_parts)),
        ]
        return m

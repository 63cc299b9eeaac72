"""One of several words: small modules, for a target to map, whose lookup tables have multiplexers of their own."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from rtl.base.mapped import Mapped

__all__ = ["CHOICE_MODULES", "ByteChoice", "choose"]

#: Names of the Verilog modules that stand for choices among so many bytes.
CHOICE_MODULES = {count: f"foldenite_choose{count}" for count in (4, 8, 16)}


class ByteChoice(Mapped):
    """``chosen = bytes[index]``. Combinational.

    Parameters
    ----------
    count : int
        Of :data:`CHOICE_MODULES`.

    Members
    -------
    bytes : In(8 * count)
    index : In(range(count))
    chosen : Out(8)
    """

    def __init__(self, count: int):
        self.module = CHOICE_MODULES[count]
        super().__init__({"bytes": In(8 * count), "index": In(range(count)), "chosen": Out(8)})

    def describe(self):
        m = Module()

        m.d.comb += self.chosen.eq(self.bytes.word_select(self.index, 8))
        return m


def choose(m: Module, name: str, words: Sequence[Value], index: Value) -> Value:
    """``words[index]`` of words of one width, whose number is a power of two; of ``index`` the low bits count.

    A :class:`ByteChoice` for every eight bits of up to 16 words, called ``name`` and a number in ``m``, and for what is
    left of them whatever a target makes of it.
    """
    place = (len(words) - 1).bit_length() - 1
    if place < 1:
        return words[0] if place < 0 else Mux(index[0], words[1], words[0])
    if len(words) not in CHOICE_MODULES:
        half = 1 << place
        low, high = (choose(m, f"{name}_{part}_", words[part * half :][:half], index) for part in range(2))
        return Mux(index[place], high, low)
    chosen = Signal(len(words[0]), name=name)
    rest = len(chosen) % 8
    if rest:
        m.d.comb += chosen[-rest:].eq(Cat(word[-rest:] for word in words).word_select(index[: place + 1], rest))
    for lsb in range(0, len(chosen) - rest, 8):
        m.submodules[f"{name}{lsb // 8}"] = choice = ByteChoice(len(words))
        for part, word in enumerate(words):
            m.d.comb += choice.bytes.word_select(part, 8).eq(word[lsb : lsb + 8])
        m.d.comb += [choice.index.eq(index), chosen[lsb : lsb + 8].eq(choice.chosen)]
    return chosen

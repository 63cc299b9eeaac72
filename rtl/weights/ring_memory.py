"""The rings, as planes of trits, and the trits of every fetch."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.base.checked_ram import CheckedRam
from rtl.base.command import COMMAND, whole
from rtl.base.ports import TileFetch, WordFault, WritePort
from rtl.weights.ring_walk import RingWalk
from spec.config import AcceleratorConfig
from spec.ring import RING_WORD
from spec.supermask import GROUP

__all__ = ["RingMemory"]


class RingMemory(wiring.Component):
    """Trits of the ring words that a fetch draws, in one plane.

    A plane of a ring is R words of 16 trits: bits 0 to 15 are the nonzero ones, 16 to 31 the negative ones. Every word
    that a fetch needs is at an address of its own, so there is a copy of the memory for each: ``weight_rows`` times the
    words of a row. The host writes all copies at once.

    Timing: ``kept`` and ``negative`` stand three cycles of ``advance`` after ``fetch``, as masks do. After ``take``
    fetches wait :attr:`AcceleratorConfig.ring_seeding` cycles.

    Parameters
    ----------
    config : AcceleratorConfig

    Members
    -------
    take : In(1)
        Take ``command``, of a layer that draws from a ring.
    command : In(COMMAND)
    seeding : Out(1)
        Not ready for fetches yet.
    advance : In(1)
        The fetch pipeline moves.
    fetch : In(TileFetch)
        The fetch that enters it.
    plane : In(range(ring_words))
        First word of its plane.
    used : In(TileFetch)
        The fetch that leaves it; ``valid`` if it draws from a ring and is taken.
    kept : Out(weight_rows * C)
        Trits that are not 0, port by port, lowest channel first; 0 where there is no channel.
    negative : Out(weight_rows * C)
    write : In(WritePort)
    fault : Out(WordFault)
        A word drawn was wrong in one of the copies.
    """

    def __init__(self, config: AcceleratorConfig):
        self.config = config
        trits = config.weight_rows * config.word_bytes
        super().__init__({
            "take": In(1),
            "command": In(COMMAND),
            "seeding": Out(1),
            "advance": In(1),
            "fetch": In(TileFetch),
            "plane": In(range(config.ring_words)),
            "used": In(TileFetch),
            "kept": Out(trits),
            "negative": Out(trits),
            "write": In(WritePort(width=32, depth=config.ring_words, part=32)),
            "fault": Out(WordFault(config.ring_words)),
        })
        self.copies = [
            CheckedRam(width=32, depth=config.ring_words, protect=config.protect, far=True)
            for _ in range(config.ring_copies)
        ]

    def elaborate(self, platform):
        m = Module()
        config = self.config

        m.submodules.walk = walk = RingWalk(
            fetches=config.load_cycles, ports=config.weight_rows, words=config.sign_words, seeding=config.ring_seeding
        )
        spare = Signal.like(self.command.spare_channels)
        m.d.comb += [
            walk.load.eq(self.take),
            walk.first.eq(whole(self.command, "ring_start")),
            walk.step.eq(whole(self.command, "ring_step")),
            walk.row_step.eq(whole(self.command, "ring_row_step")),
            walk.size.eq(whole(self.command, "ring_words")),
            self.seeding.eq(walk.seeding),
            walk.fetch.eq(self.fetch.valid & self.advance),
            walk.index.eq(self.fetch.index),
            walk.start.eq(self.fetch.start),
            walk.rewind.eq(self.fetch.rewind),
            walk.commit.eq(self.fetch.commit),
            walk.words.eq(Mux(self.fetch.partial, self.fetch.words, config.sign_words)),
        ]
        with m.If(self.take):
            m.d.sync += spare.eq(self.command.spare_channels)

        words = []
        for copy, ram in enumerate(self.copies):
            m.submodules[f"copy{copy}"] = ram
            wiring.connect(m, wiring.flipped(self.write), ram.write)
            m.d.comb += [
                ram.read_address.eq(self.plane + walk.addresses[copy]),
                ram.read_enable.eq(self.advance),
            ]
            words.append(ram.read_data)
            if config.protect:
                m.d.comb += ram.used.eq(self.used.valid)
            with m.If(ram.fault.valid):
                m.d.comb += [self.fault.valid.eq(1), self.fault.address.eq(ram.fault.address)]
        channels = Signal(range(config.word_bytes + 1))
        m.d.comb += channels.eq(
            Mux(self.used.partial, GROUP * self.used.groups - spare, config.word_bytes)
        )
        there = Cat(channel < channels for channel in range(config.word_bytes))
        m.d.comb += [
            self.kept.eq(Cat(word[:RING_WORD] for word in words) & there.replicate(config.weight_rows)),
            self.negative.eq(Cat(word[RING_WORD:] for word in words)),
        ]
        return m

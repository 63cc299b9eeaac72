"""What decides: the sequencer of commands, and the walk over the input map."""

from dataclasses import dataclass

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data

from formal.harness import Inside, any_constant, free, implies, past
from rtl.base.command import COMMAND, WIDTHS
from rtl.base.ram import Ram
from rtl.control.sequencer import Sequencer
from spec.commands import COMMAND_WORDS, Op

__all__ = ["CommandsWhole", "LoopsCounted", "ProgramsEnd", "ProgramsWithin"]

_HALTED, _FETCH, _READY = range(3)  # the sequencer's states


class _Watched:
    """A sequencer with any program, which the host writes only while it is halted, and what it is doing."""

    def __init__(self, m: Module, commands: int):
        self.m = m
        self.inside = Inside(m, dut := Sequencer(commands=commands))
        self.dut = dut
        free(m, dut.start, dut.first, dut.taken, dut.write.address, dut.write.data, dut.write.enable)
        self.state, self.cycle, self.index = (self.inside[name] for name in ("fsm_state", "cycle", "index"))
        self.body, self.left = self.inside.unnamed(len(self.index)), self.inside.unnamed(WIDTHS["iterations"])
        self.fetched = self.inside["program.fetched"]
        self.command = data.View(COMMAND, Cat(self.fetched, Const(0, 32 * (COMMAND_WORDS - 1))))
        self.decodes = (self.state == _FETCH) & (self.cycle == Ram.LATENCY)
        self.begins = (self.state == _HALTED) & dut.start
        m.d.comb += [
            Assume(implies(dut.write.enable, dut.halted & ~dut.start)),
            Assert((self.state <= _READY) & (dut.halted == (self.state == _HALTED))),
            Assert(implies(self.state == _FETCH, self.cycle < COMMAND_WORDS + Ram.LATENCY)),
            Assert(implies(self.state == _READY, self.cycle == 0)),
        ]

    def stored(self, index, word) -> Value:
        """That word of command ``index``, in the program memory."""
        return self.inside.peek("program.memory", Cat((word + Const(0, 4))[:4], index))

    def reads_memory(self, index) -> None:
        """What is on its way from the memory is what it holds: an invariant while command ``index`` is fetched."""
        arriving = self.inside.read_register("program.memory")
        fetching = self.state == _FETCH
        self.m.d.comb += [
            Assert(implies(fetching & (self.cycle >= 1), Value.cast(arriving) == self.stored(index, self.cycle - 1))),
            Assert(implies(fetching & (self.cycle >= 2), self.fetched == self.stored(index, self.cycle - 2))),
        ]


class ProgramsEnd(Elaboratable):
    """The place in the program, as the last LOOP, the rounds made of it, and the index, grows with every command, in the
    order of a dictionary; so no program goes round for ever. A command is there, or the next one begun, or the end
    reached, 18 cycles after it began.

    An index has 16 bits; a program without HALT runs over its end, which is excluded here.
    """

    def elaborate(self, platform):
        m = Module()
        it = _Watched(m, commands=4)
        looped, body, waited = Signal(), Signal.like(it.body), Signal(6)
        running = it.state != _HALTED
        with m.If(it.begins):
            m.d.sync += looped.eq(0)
        with m.Elif(it.decodes & (it.command.op == Op.LOOP)):
            m.d.sync += looped.eq(1)
        m.d.comb += body.eq(Mux(looped, it.body, 0))
        place = Cat(it.index, ~it.left, body, looped)  # the lowest counts least
        before, wraps = past(m, place), past(m, it.index == 0xFFFF)
        goes_on = running & past(m, running)
        m.d.sync += waited.eq(Mux(it.state == _FETCH, Mux(it.cycle == 0, 1, waited + 1), 0))
        m.d.comb += [
            Assert(implies(goes_on & ~wraps & (it.cycle <= 1), (place >= before))),
            Assert(implies(goes_on & past(m, it.decodes) & (it.cycle == 0) & ~wraps, place > before)),
            Assert(implies(goes_on & past(m, it.state == _FETCH) & it.dut.ready & ~wraps, place > before)),
            Assert(implies(running & looped, it.body <= it.index)),
            Assume(implies(running, it.index != 0xFFFF)),
            Assert(implies((it.state == _FETCH) & (it.cycle != 0), waited == it.cycle)),
            Assert(waited <= COMMAND_WORDS + Ram.LATENCY),
            Cover(it.dut.ready & (it.index == 2)),
        ]
        return m


class LoopsCounted(Elaboratable):
    """A loop's body runs as often as LOOP says (0: 256 times), ``position`` counts its iterations, and entries move by
    ``entry_step`` each time. Loops do not nest, and an ENDLOOP ends one.
    """

    def elaborate(self, platform):
        m = Module()
        it = _Watched(m, commands=4)
        within, turns, rounds, moved, step = Signal(), Signal(9), Signal(9), Signal(20), Signal(16)
        op, position = it.command.op, data.View(it.dut.position.shape(), it.dut.position.as_value())
        opens, closes = it.decodes & (op == Op.LOOP), it.decodes & (op == Op.ENDLOOP)
        with m.If(it.begins):
            m.d.sync += [within.eq(0), rounds.eq(0), moved.eq(0)]
        with m.Elif(opens):
            m.d.sync += [within.eq(1), rounds.eq(0), moved.eq(0), step.eq(it.command.entry_step)]
            m.d.sync += turns.eq(Mux(it.command.iterations == 0, 256, it.command.iterations))
        with m.Elif(closes):
            again = rounds + 1 != turns
            m.d.sync += [within.eq(again), rounds.eq(Mux(again, rounds + 1, 0)), moved.eq(Mux(again, moved + step, 0))]
        jumps = it.state == _FETCH
        m.d.comb += [
            Assume(implies(opens, ~within) & implies(closes, within)),
            Assert(implies(past(m, closes) & jumps & past(m, rounds + 1 != turns), it.index == it.body)),
            Assert(implies(past(m, closes) & jumps & past(m, rounds + 1 == turns), it.index == past(m, it.index) + 1)),
            Assert(implies(it.state != _HALTED, (position.iteration == rounds) & (it.dut.entry_offset == moved))),
            Assert(implies(within & (it.state != _HALTED), (rounds < turns) & (it.left == (turns - 1 - rounds)[:8]))),
            Assert(implies(within & (it.state != _HALTED), (turns <= 256) & (it.inside["step"] == step))),
            Assert(implies(~within & (it.state != _HALTED), (rounds == 0) & (moved == 0))),
            Cover(within & (rounds == 1)),
        ]
        return m


class CommandsWhole(Elaboratable):
    """A command that is ready is, word for word, the one that the program memory holds at ``position``."""

    def elaborate(self, platform):
        m = Module()
        it = _Watched(m, commands=4)
        word = any_constant(m, range(COMMAND_WORDS), "word")
        arrived = it.dut.command.as_value().word_select(word, 32)
        it.reads_memory(it.index)
        m.d.comb += [
            Assert(implies(it.dut.ready, arrived == it.stored(it.dut.position.command, word))),
            Assert(implies((it.state == _FETCH) & (it.cycle > word + 2), arrived == it.stored(it.index, word))),
            Cover(it.dut.ready & (arrived == 0x12345678)),
        ]
        return m


class ProgramsWithin(Elaboratable):
    """A program that ends with HALT in the last command of the memory is never left: no command beyond it is fetched."""

    def elaborate(self, platform):
        m = Module()
        commands = 5
        it = _Watched(m, commands)
        end = it.stored(Const(commands - 1, 16), Const(0, 4))
        it.reads_memory(it.index)
        m.d.comb += [
            Assume(implies(it.begins, it.dut.first < commands)),
            Assume(end[:4] == Op.HALT),
            Assert(implies(it.state != _HALTED, it.index < commands)),
            Assert(it.body < commands),
            Assert(implies((it.state == _FETCH) & (it.index == commands - 1), it.cycle <= Ram.LATENCY)),
            Cover(it.dut.ready & (it.index == commands - 1)),
        ]
        return m

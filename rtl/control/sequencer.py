"""Fetches commands one ahead of execution and runs the recurrent block's loop."""

from collections.abc import Mapping

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.base.checked_ram import CheckedRam
from rtl.base.command import COMMAND, WIDTHS, narrow
from rtl.base.ports import INDEX_BITS, CommandError, Position, WordFault, WritePort
from rtl.base.ram import Ram
from spec.commands import COMMAND_WORDS, Op

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Program memory, command prefetch and the loop of a recurrent block.

    ``LOOP`` opens a body that runs ``iterations`` times with the same commands, seeds and masks: only ``entry_offset``
    moves, by ``entry_step`` rows a time. Loops do not nest.

    Timing: a command is ready 19 cycles after the one before it was taken (or after ``start``), 3 more for every
    ``LOOP`` or ``ENDLOOP`` in between. ``halted`` rises 4 cycles after the last command was taken.

    Parameters
    ----------
    commands : int
        Depth of the program memory.
    protect : bool
        The program memory is checked.
    max_pool : bool
        There is something that executes ``MAXPOOL``; otherwise it is unknown.
    widths : mapping of str to int
        Bits of the command's fields that count.

    Members
    -------
    start : In(1)
    first : In(16)
        Index of the first command.
    ready : Out(1)
        ``command`` is complete.
    command : Out(COMMAND)
    entry_offset : Out(20)
        Entry rows to add to those of ``command``.
    taken : In(1)
        Whoever executes ``command`` has copied it.
    halted : Out(1)
        The program has ended; until the next ``start``.
    error : Out(CommandError)
        One cycle; the program ends.
    position : Out(Position)
    write : In(WritePort)
        Of the program memory.
    fault : Out(WordFault)
        A word of the program was wrong, a cycle after it arrived.
    """

    def __init__(
        self, *, commands: int, protect: bool, max_pool: bool = True, widths: Mapping[str, int] = WIDTHS
    ):
        self.commands = commands
        self.widths = widths
        self.protect = protect
        self._executed = (Op.CONV, Op.CLASSIFY, Op.STORE, *((Op.MAXPOOL,) if max_pool else ()))
        super().__init__({
            "start": In(1),
            "first": In(INDEX_BITS),
            "ready": Out(1),
            "command": Out(COMMAND),
            "entry_offset": Out(widths["entry_base"]),
            "taken": In(1),
            "halted": Out(1),
            "error": Out(CommandError),
            "position": Out(Position),
            "write": In(WritePort(width=32, depth=commands * COMMAND_WORDS, part=32)),
            "fault": Out(WordFault(commands * COMMAND_WORDS)),
        })
        self.program = CheckedRam(width=32, depth=commands * COMMAND_WORDS, protect=protect)

    def elaborate(self, platform):
        m = Module()

        m.submodules.program = program = self.program
        wiring.connect(m, wiring.flipped(self.write), program.write)
        wiring.connect(m, program.fault, wiring.flipped(self.fault))
        m.d.comb += program.read_enable.eq(1)

        # Word k arrives in cycle k + 2 of a fetch.
        cycle = Signal(range(COMMAND_WORDS + Ram.LATENCY + 1))
        words = [Signal(32, name=f"word{i}", reset_less=True) for i in range(COMMAND_WORDS)]
        index = Signal(INDEX_BITS)
        m.d.comb += [
            program.read_address.eq(Cat(cycle[:4], index)),
            self.command.eq(Cat(words)),
            self.position.command.eq(index - self.ready),
        ]

        with m.FSM():
            with m.State("HALTED"):
                m.d.comb += self.halted.eq(1)
                with m.If(self.start):
                    m.d.sync += [index.eq(self.first), cycle.eq(0)]
                    m.d.sync += [self.entry_offset.eq(0), self.position.iteration.eq(0)]
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.d.sync += cycle.eq(cycle + 1)
                with m.Switch(cycle):
                    for i, word in enumerate(words):
                        with m.Case(i + Ram.LATENCY):
                            m.d.sync += word.eq(program.read_data)
                            if self.protect:
                                m.d.comb += program.used.eq(1)
                with m.If(cycle == Ram.LATENCY):
                    self._decode(m, Cat(program.read_data, words[1:]), index, cycle)
                with m.If(cycle == COMMAND_WORDS + Ram.LATENCY - 1):
                    # On to the next one now: whoever takes this one late in its cycle has only a state to change.
                    m.d.sync += [index.eq(index + 1), cycle.eq(0)]
                    m.next = "READY"
            with m.State("READY"):
                m.d.comb += self.ready.eq(1)
                with m.If(self.taken):
                    m.next = "FETCH"
        return m

    def _decode(self, m: Module, word, index: Signal, cycle: Signal) -> None:
        """Act on the first word of a command; called in state FETCH. A command for others just goes on arriving."""
        command = narrow(data.View(COMMAND, word), self.widths)
        body, left, step = Signal(INDEX_BITS), Signal(WIDTHS["iterations"]), Signal(self.widths["entry_step"])
        following = [index.eq(index + 1), cycle.eq(0)]
        with m.Switch(command.op):
            with m.Case(*self._executed):
                pass
            with m.Case(Op.LOOP):
                m.d.sync += [*following, body.eq(index + 1)]
                m.d.sync += [left.eq(command.iterations - 1), step.eq(command.entry_step)]
            with m.Case(Op.ENDLOOP):
                with m.If(left != 0):
                    m.d.sync += [index.eq(body), cycle.eq(0), left.eq(left - 1)]
                    m.d.sync += [self.entry_offset.eq(self.entry_offset + step)]
                    m.d.sync += self.position.iteration.eq(self.position.iteration + 1)
                with m.Else():
                    m.d.sync += [*following, self.entry_offset.eq(0), self.position.iteration.eq(0)]
            with m.Case(Op.HALT):
                m.next = "HALTED"
            with m.Default():
                m.d.comb += [self.error.valid.eq(1), self.error.info.eq(index)]
                m.next = "HALTED"

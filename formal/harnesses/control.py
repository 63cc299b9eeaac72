"""What decides: the sequencer of commands, and the walk over the input map."""

from dataclasses import dataclass

from amaranth.hdl import Assert, Assume, Cat, Const, Cover, Elaboratable, Module, Mux, Signal, Value
from amaranth.lib import data

from formal.harness import Inside, any_constant, free, implies, past
from rtl.base.command import COMMAND, WIDTHS
from rtl.base.countdown import countdown
from rtl.base.ram import Ram
from rtl.control.address_generator import AddressGenerator, Beat
from rtl.control.map_walk import coordinate_bits, pixel_layout
from rtl.control.sequencer import Sequencer
from spec.commands import COMMAND_WORDS, Op

__all__ = ["CommandsWhole", "Geometry", "LoopsCounted", "ProgramsEnd", "ProgramsWithin", "WordsOfTheMap"]

_HALTED, _FETCH, _READY = range(3)  # the sequencer's states

#: Of a row or column, and of the addresses that words of maps are looked for at.
COORDINATE_BITS = coordinate_bits(WIDTHS)


class _Watched:
    """A sequencer with any program, which the host writes only while it is halted, and what it is doing."""

    def __init__(self, m: Module, commands: int):
        self.m = m
        self.inside = Inside(m, dut := Sequencer(commands=commands, protect=False))
        self.dut = dut
        free(m, dut.start, dut.first, dut.taken, dut.write.address, dut.write.data, dut.write.enable)
        self.state, self.cycle, self.index = (self.inside[name] for name in ("fsm_state", "cycle", "index"))
        self.body, self.left = self.inside.unnamed(len(self.index)), self.inside.unnamed(WIDTHS["iterations"])
        self.fetched = self.inside["program.cells.fetched"]
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
        return self.inside.peek("program.cells.memory", Cat((word + Const(0, 4))[:4], index))

    def reads_memory(self, index) -> None:
        """What is on its way from the memory is what it holds: an invariant while command ``index`` is fetched."""
        arriving = self.inside.read_register("program.cells.memory")
        fetching = self.state == _FETCH
        self.m.d.comb += [
            Assert(implies(fetching & (self.cycle >= 1), Value.cast(arriving) == self.stored(index, self.cycle - 1))),
            Assert(implies(fetching & (self.cycle >= 2), self.fetched == self.stored(index, self.cycle - 2))),
        ]


class ProgramsEnd(Elaboratable):
    """The place in the program (the last LOOP, the rounds made of it, the index) grows with every command, in the order
    of a dictionary; so no program goes round for ever. A command is there, or the next one begun, or the end reached,
    18 cycles after it began.

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
        closed, again_then, next_index = past(m, closes), past(m, rounds + 1 != turns), past(m, it.index + 1)
        m.d.comb += [
            Assume(implies(opens, ~within) & implies(closes, within)),
            Assert(implies(closed, it.index == Mux(again_then, it.body, next_index[:16]))),
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
    """A program that ends with HALT in the memory's last command is never left: no command beyond it is fetched."""

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


def _countdown(count: Signal) -> data.View:
    """A counter of :mod:`rtl.base.countdown` from its bits."""
    return data.View(countdown(len(count) - 1), count)


@dataclass(frozen=True)
class Geometry:
    """Windows over a map: kernel, stride, padding; columns of the map, and words of a pixel."""

    kernel: int
    stride: int
    pad: int
    width: int
    blocks: int

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return (self.width + 2 * self.pad - self.kernel) // self.stride + 1


class WordsOfTheMap(Elaboratable):
    """Whenever a word counts (it lies ``inside``), its address is one of the map's, wherever the map lies, however high
    it is, and in whatever tiles it is walked.

    All numbers in here are linear in the row and the column of the window, and kept so step by step.
    """

    def __init__(self, geometry: Geometry):
        self.geometry = geometry

    def elaborate(self, platform):
        m = Module()
        shape = self.geometry
        inside = Inside(m, dut := AddressGenerator(address_bits=COORDINATE_BITS))
        base, height = any_constant(m, COORDINATE_BITS, "base"), any_constant(m, 6, "height")
        free(m, dut.sum_positions, dut.advance)
        asked = Signal()
        free(m, asked)
        m.d.comb += dut.take.eq(asked & ~dut.busy)
        self._command(m, dut, base, height)

        walking, tap = inside.unnamed(1), inside["tap_base"]
        block, rows, columns = (_countdown(inside[f"{loop}_left"]) for loop in ("block", "ky", "kx"))
        ky, kx = inside["ky"], inside["kx"]
        layout = pixel_layout(COORDINATE_BITS)
        begins = inside["first_run"] & (inside["slot"] == 0)  # what the pixels of a tile begin with is kept then
        for pixel, known in (
            (data.View(layout, inside["here"]), walking), (data.View(layout, inside["tile_start"]), walking & ~begins),
        ):
            m.d.comb += Assert(implies(known, self._linear(pixel)))
        for count, most in ((block, shape.blocks), (rows, shape.kernel), (columns, shape.kernel)):
            legal = (count.left >= 1) & (count.left <= most) & (count.last == (count.left == 1))
            m.d.comb += Assert(implies(walking, legal))
        part = (shape.blocks - block.left)[:COORDINATE_BITS]
        m.d.comb += [
            Assert(implies(walking, (ky == shape.kernel - rows.left) & (kx == shape.kernel - columns.left))),
            Assert(implies(walking, tap == self._word(base, ky - shape.pad, kx - shape.pad, part))),
        ]
        # The address stands a cycle later, and the beat two more.
        row, column = inside["row"], inside["column"]
        addressed, fetching = (Beat(inside.unnamed(Beat.as_shape().size, number)) for number in range(2))
        stood, fetched, met = Signal(), Signal(), Signal()
        addressed_part, started = Signal(COORDINATE_BITS), Signal()
        with m.If(dut.advance):
            m.d.sync += [addressed_part.eq(part), started.eq(walking), fetched.eq(stood), met.eq(fetched)]
        m.d.comb += [
            stood.eq((dut.address - base)[:COORDINATE_BITS] < height * shape.width * shape.blocks),
            Assert(implies(addressed.valid, started)),
            Assert(implies(fetching.valid & fetching.inside, fetched)),
            Assert(implies(started, addressed_part < shape.blocks)),
            Assert(implies(started, dut.address == self._word(base, row, column, addressed_part))),
            Assert(implies(dut.beat.valid & dut.beat.inside, met)),
            Cover(dut.beat.valid & dut.beat.inside & (height == 4)),
            Cover(dut.beat.valid & ~dut.beat.inside if shape.pad else dut.beat.first),
        ]
        return m

    def _command(self, m: Module, dut: AddressGenerator, base, height) -> None:
        """A command of the geometry, as the compiler makes it, with any tiles and passes."""
        shape, words = self.geometry, self.geometry.blocks
        fields = {
            "kernel": shape.kernel, "stride": shape.stride, "pad": shape.pad, "height": height, "width": shape.width,
            "blocks": words, "out_width": shape.out_width,
            "source_base": base - shape.pad * (shape.width + 1) * words,
            "step_x": shape.stride * words,
            "step_row": shape.stride * (shape.width - shape.out_width + 1) * words,
            "step_tap": (shape.width - shape.kernel) * words + 1,
        }
        for name in ("run", "last_run", "pixel_tiles", "tiles", "passes"):
            fields[name] = any_constant(m, WIDTHS[name], f"any_{name}")
            m.d.comb += Assume(fields[name] != 0)
        m.d.comb += [getattr(dut.command, name).eq(value) for name, value in fields.items()]
        m.d.comb += Assume(height * shape.width * words < 1 << COORDINATE_BITS)

    def _word(self, base, row, column, part) -> Value:
        """Address of that part of the pixel."""
        return (base + (row * self.geometry.width + column) * self.geometry.blocks + part)[:COORDINATE_BITS]

    def _linear(self, pixel) -> Value:
        """The offset of a window, its row and column, and the columns left belong together."""
        shape = self.geometry
        column = (shape.stride * (shape.out_width - pixel.columns.left) - shape.pad)[:COORDINATE_BITS]
        return (
            (pixel.offset == self._word(0, pixel.y + shape.pad, pixel.x + shape.pad, 0)) & (pixel.x == column)
            & (pixel.columns.left >= 1) & (pixel.columns.left <= shape.out_width)
            & (pixel.columns.last == (pixel.columns.left == 1))
        )

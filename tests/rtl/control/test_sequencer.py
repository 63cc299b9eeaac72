"""Programs as the sequencer runs them against the same program unrolled in Python."""

import random
from functools import partial

import pytest

from rtl.control.sequencer import Sequencer
from spec.commands import ADDRESS_BITS, COMMAND_WORDS, Op, encode

DEPTH = 32


def compute(op, tag):
    """A command of the execution units, told apart by its addresses."""
    return encode(op, source_base=tag, out_base=(1 << ADDRESS_BITS) - 1 - tag, count=7 * tag)


CONV, CLASSIFY, STORE = (partial(compute, op) for op in (Op.CONV, Op.CLASSIFY, Op.STORE))
END, HALT = encode(Op.ENDLOOP), encode(Op.HALT)


def loop(iterations, step):
    return encode(Op.LOOP, iterations=iterations, entry_step=step)


# Programs, and what is taken of them: (command index, entry offset, iteration).
PROGRAMS = {
    "straight": ([CONV(1), CLASSIFY(2), STORE(3), HALT], [(0, 0, 0), (1, 0, 0), (2, 0, 0)]),
    "nothing": ([HALT], []),
    **{
        f"loop-of-{n}": (
            [CONV(1), loop(n, 9), CONV(2), CONV(3), END, STORE(4), HALT],
            [(0, 0, 0), *((i, 9 * t, t) for t in range(n) for i in (2, 3)), (5, 0, 0)],
        ) for n in (1, 2, 5, 40)
    },
    "two-loops": (
        [loop(2, 3), CONV(1), END, loop(3, 1000), CONV(2), END, CLASSIFY(3), HALT],
        [(1, 0, 0), (1, 3, 1), (4, 0, 0), (4, 1000, 1), (4, 2000, 2), (6, 0, 0)],
    ),
}


async def load(ctx, dut, program, first):
    """Write a program from command ``first`` on."""
    ctx.set(dut.write.enable, 1)
    for index, word in enumerate(word for command in program for word in command.tolist()):
        ctx.set(dut.write.address, COMMAND_WORDS * first + index)
        ctx.set(dut.write.data, word)
        await ctx.tick()
    ctx.set(dut.write.enable, 0)


async def run(ctx, dut, first, wait=lambda: False):
    """Start; return the commands taken, the error if any, and the cycles from start or taking to ready or halted."""
    ctx.set(dut.first, first)
    ctx.set(dut.start, 1)
    await ctx.tick()
    ctx.set(dut.start, 0)
    ctx.set(dut.first, 0)
    taken, error, delays, cycles = [], None, [], 1
    while not ctx.get(dut.halted):
        if ctx.get(dut.error.valid):
            error = ctx.get(dut.error.info)
        if ctx.get(dut.ready):
            delays.append(cycles)
            while wait():
                await ctx.tick()
                assert ctx.get(dut.ready)
            index, iteration = (getattr(ctx.get(dut.position), name) for name in ("command", "iteration"))
            taken.append((index - first, ctx.get(dut.entry_offset), iteration, ctx.get(dut.command)))
            ctx.set(dut.taken, 1)
            cycles = 0
        await ctx.tick()
        ctx.set(dut.taken, 0)
        cycles += 1
    return taken, error, [*delays, cycles]


def collector(dut, faults):
    """A testbench that adds the address of every fault to ``faults``."""
    async def watch(ctx):
        async for _, _, valid, address in ctx.tick().sample(dut.fault.valid, dut.fault.address):
            if valid:
                faults.add(address)

    return watch


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("first", [0, 5])
def test_program(simulate, layout_of, name, first):
    """Whole commands in order, with their offsets; started twice, at any place, taken late or at once."""
    program, expected = PROGRAMS[name]
    dut, rng, faults = Sequencer(commands=DEPTH, protect=True), random.Random(first), set()

    async def testbench(ctx):
        await load(ctx, dut, program, first)
        for waits in (0.0, 0.5):
            assert ctx.get(dut.halted)
            taken, error, _ = await run(ctx, dut, first, lambda waits=waits: rng.random() < waits)
            assert [entry[:3] for entry in taken] == expected
            assert [entry[3] for entry in taken] == [layout_of(program[index]) for index, *_ in expected]
            assert error is None
            assert not faults

    simulate(dut, testbench, collector(dut, faults))


def test_timing(simulate):
    """What the docstring says: 19 cycles to the next command, 3 more for each loop command before it, 4 to the end."""
    dut = Sequencer(commands=DEPTH, protect=True)

    async def testbench(ctx):
        await load(ctx, dut, [CONV(1), loop(2, 1), CONV(2), END, STORE(3), HALT], 0)
        *_, delays = await run(ctx, dut, 0)
        assert delays == [19, 19 + 3, 19 + 3, 19 + 3, 4]

    simulate(dut, testbench)


@pytest.mark.parametrize("op", [*range(len(Op), 16), Op.MAXPOOL])
def test_unknown_command_ends_the_program(simulate, op):
    """Its index is reported, nothing after it runs, and the next start is as good as the first."""
    dut = Sequencer(commands=DEPTH, protect=True, max_pool=op != Op.MAXPOOL)
    unknown = HALT.copy()
    unknown[0] = op

    async def testbench(ctx):
        await load(ctx, dut, [CONV(1), loop(3, 4), CONV(2), unknown, CONV(3), HALT], 2)
        for _ in range(2):
            taken, error, _ = await run(ctx, dut, 2)
            assert [entry[:3] for entry in taken] == [(0, 0, 0), (2, 0, 0)]
            assert error == 2 + 3

    simulate(dut, testbench)


@pytest.mark.parametrize("word", [0, 1, COMMAND_WORDS - 1])
def test_a_flipped_bit_is_reported_with_its_word(simulate, word):
    """Whatever the wrong word makes of the program, nobody is left to take it for the right one."""
    dut, faults = Sequencer(commands=DEPTH, protect=True), set()
    place = COMMAND_WORDS + word

    async def testbench(ctx):
        await load(ctx, dut, [CONV(1), STORE(3), HALT], 0)
        await run(ctx, dut, 0)
        assert not faults
        stored = dut.program.cells.data[place][0]
        ctx.set(stored, ctx.get(stored) ^ 1 << 30)
        await run(ctx, dut, 0)
        assert faults == {place}

    simulate(dut, testbench, collector(dut, faults))

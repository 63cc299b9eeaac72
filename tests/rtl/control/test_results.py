"""From sums to stores, with the requantizers of a lane: entries, residuals, columns and addresses of folded layers."""

import random

import numpy as np
import pytest
from amaranth.hdl import Module

from rtl.base.ram import Ram
from rtl.control.results import Results
from rtl.lane.requantizer import Requantizer
from rtl.lane.requantizer_row import RequantizerRow
from spec.commands import Op, encode
from spec.config import config_for
from spec.numerics import Requantization, pack_entries, requantize

SHIFTS = {"shift": 9, "bias_shift": 2, "residual_shift": 1}
PIXELS = 5


async def load_entries(ctx, dut, entries):
    """Write packed entries as the host does."""
    rows = dut.config.requantizers
    for index, entry in enumerate(entries.ravel().tolist()):
        ctx.set(dut.entry_write.address, index // rows)
        ctx.set(dut.entry_write.data, entry << 32 * (index % rows))
        ctx.set(dut.entry_write.enable, 1 << index % rows)
        await ctx.tick()
    ctx.set(dut.entry_write.enable, 0)


async def results_in_turns(ctx, dut, lane, acc, memory, gap):
    """Give every row of ``acc`` its turns; return the stores as (address, column, bytes)."""
    config, turns, cycle = dut.config, dut.turns, 0
    sums, addresses, stores, begun = [0] * Ram.LATENCY, [0] * Ram.LATENCY, [], []
    pending, turn, last = iter(range(len(acc))), 0, 0
    following, soon = next(pending), False
    while following is not None or soon or turn or ctx.get(dut.pending):
        ctx.set(dut.announce, soon)
        if turn == 0 and following is not None and not gap():
            soon, last, following = True, following, next(pending, None)
            begun.append(cycle)
        else:
            soon = False
        ctx.set(dut.soon, soon)
        ctx.set(dut.turn, turn)
        turn = (turn + 1) % turns if soon or turn else 0
        sums = [*sums[1:], last]
        if ctx.get(dut.store.enable):
            word = ctx.get(lane.y).to_bytes(config.rows, "little")
            stores.append((ctx.get(dut.store.address), ctx.get(dut.store.column), word))
            assert cycle == begun[len(stores) - 1] + 1 + Ram.LATENCY + turns - 1 + Requantizer.LATENCY
        addresses = [*addresses[1:], ctx.get(dut.residual_address)]
        await ctx.tick()
        assert not ctx.get(dut.fault.valid)
        cycle += 1
        ctx.set(lane.residual_word, int.from_bytes(memory[addresses[0] % len(memory)].tobytes(), "little"))
        for r, value in enumerate(acc[sums[0]].tolist()):
            ctx.set(lane.acc[r], value)
    return stores


async def results_of(ctx, dut, lane, acc, memory, gap):
    """Announce every row of ``acc``; return the stores as (address, column, bytes) and when they came."""
    config = dut.config
    if dut.turns > 1:
        return await results_in_turns(ctx, dut, lane, acc, memory, gap)
    announced, addresses, stores = [None] * Ram.LATENCY, [0] * Ram.LATENCY, []
    pending, cycle, schedule = iter(range(len(acc))), 0, []
    following, soon = next(pending), False
    while following is not None or ctx.get(dut.pending):
        announce = soon
        ctx.set(dut.announce, announce)
        announced = [*announced[1:], following if announce else None]
        if announce:
            schedule.append(cycle)
            following = next(pending, None)
        soon = following is not None and not gap()
        ctx.set(dut.soon, soon)
        if ctx.get(dut.store.enable):
            word = ctx.get(lane.y).to_bytes(config.rows, "little")
            stores.append((ctx.get(dut.store.address), ctx.get(dut.store.column), word))
            assert cycle == schedule[len(stores) - 1] + Ram.LATENCY + Requantizer.LATENCY
        addresses = [*addresses[1:], ctx.get(dut.residual_address)]
        await ctx.tick()
        assert not ctx.get(dut.fault.valid)
        cycle += 1
        ctx.set(lane.residual_word, int.from_bytes(memory[addresses[0] % len(memory)].tobytes(), "little"))
        if announced[0] is not None:
            for r, value in enumerate(acc[announced[0]].tolist()):
                ctx.set(lane.acc[r], value)
    return stores


@pytest.mark.parametrize("shape", [(4, 4, 1), (4, 16, 1), (8, 8, 1), (4, 4, 4), (4, 16, 2), (8, 8, 4)])
@pytest.mark.parametrize(("kind", "gaps", "bits"), [
    pytest.param(kind, gaps, bits, marks=[pytest.mark.slow] * (kind in without))
    for gaps, bits, without in ((0.0, 8, ("plain", "projected")), (0.4, 5, ("residual", "projection")))
    for kind in ("plain", "residual", "projected", "projection")
])
def test_stores_of_a_folded_layer(simulate, layout_of, shape, kind, gaps, bits):
    """Two iterations of a layer with a ragged number of channel tiles, the entries of a later block in between."""
    groups, rows, turns = shape
    config = config_for(groups * rows, groups=groups, rows=rows, entries=64 * rows, rows_per_requantizer=turns)
    rng, random_gaps = np.random.default_rng(rows), random.Random(rows)
    m, dut = Module(), Results(config)
    lane = RequantizerRow(word_bytes=config.word_bytes, rows=rows, turns=turns)
    m.submodules += [dut, lane]
    m.d.comb += [
        lane.command.eq(dut.command), lane.entries.eq(dut.entries), lane.residual_column.eq(dut.residual_column)
    ]
    if turns > 1:
        m.d.comb += [lane.sums_turn.eq(dut.sums_turn), lane.result_turn.eq(dut.result_turn)]
    tiles = 2 * config.columns + 1
    step, entry_base, entry_step = -(-tiles // config.columns), 2, tiles + 1
    channels = tiles * rows
    multiplier = rng.integers(-2048, 2048, (entry_base + 2 * entry_step) * rows).reshape(-1, rows)
    bias = rng.integers(-20_000, 20_000, multiplier.shape)
    adds, signed_residual = kind in ("residual", "projected"), kind == "projected"
    command = {
        "residual": adds, "residual_signed": signed_residual, "output_signed": kind == "projection", **SHIFTS,
        "unused_bits": 8 - bits,
        "out_pixels": PIXELS, "out_step": step, "out_base": 7, "residual_base": 3, "entry_base": entry_base,
    }
    memory = rng.integers(0, 256, (PIXELS * step + 10, config.word_bytes), np.uint8)
    residual = memory[3 : 3 + PIXELS * step].view(np.int8 if signed_residual else np.uint8).astype(np.int64)
    residual = residual.reshape(PIXELS, -1)[:, :channels] * adds

    async def testbench(ctx):
        await load_entries(ctx, dut, pack_entries(multiplier, bias))
        ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
        for iteration in range(2):
            acc = rng.integers(-400, 400, (PIXELS, channels))
            first = entry_base + iteration * entry_step
            numbers = Requantization(
                multiplier[first : first + tiles].reshape(1, -1), bias[first : first + tiles].reshape(1, -1),
                SHIFTS["shift"], SHIFTS["bias_shift"], SHIFTS["residual_shift"], kind == "projection", bits,
            )
            expected = numbers.apply(acc, 0, residual).astype(np.uint8)
            ctx.set(dut.entry_offset, iteration * entry_step)
            ctx.set(dut.take, 1)
            await ctx.tick()
            ctx.set(dut.take, 0)
            ctx.set(dut.entry_offset, 0)
            by_tile = acc.reshape(PIXELS, tiles, rows).transpose(1, 0, 2).reshape(-1, rows)
            stores = await results_of(ctx, dut, lane, by_tile, memory, lambda: random_gaps.random() < gaps)
            assert stores == [
                (7 + pixel * step + tile // config.columns, tile % config.columns,
                 expected[pixel, tile * rows : (tile + 1) * rows].tobytes())
                for tile in range(tiles) for pixel in range(PIXELS)
            ]

    simulate(m, testbench)


def test_shifts_of_the_test_are_not_trivial():
    """The residual of this file is scaled, so that a wrong shift shows."""
    values = [requantize(np.int64(0), 0, 0, np.int64(100), shift=9, bias_shift=2, residual_shift=s, signed=False)
              for s in (SHIFTS["residual_shift"], 0)]
    assert values == [200, 100]


@pytest.mark.parametrize("part", [0, 3])
def test_a_flipped_entry_is_reported_when_its_tile_is_taken(simulate, layout_of, part):
    config = config_for(16, entries=64 * 4)
    dut, faults = Results(config), []

    async def testbench(ctx):
        await load_entries(ctx, dut, np.arange(64 * 4, dtype=np.uint32).reshape(64, 4))
        entry = dut.memory.cells.data[9][part]
        ctx.set(entry, ctx.get(entry) ^ 1 << 31)
        command = {"out_pixels": 1, "out_step": 1, "entry_base": 8}
        ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
        ctx.set(dut.take, 1)
        await ctx.tick()
        ctx.set(dut.take, 0)
        for tile in range(3):
            ctx.set(dut.soon, 1)
            await ctx.tick()
            ctx.set(dut.soon, 0)
            for _ in range(6):
                if ctx.get(dut.fault.valid):
                    faults.append((tile, ctx.get(dut.fault.address)))
                await ctx.tick()

    simulate(dut, testbench)
    assert faults == [(1, 9)]


def test_a_flipped_entry_is_reported_in_its_turn(simulate, layout_of):
    """Entry 38 is the third row of tile 9, and the first of the second turn; every pixel takes it again."""
    config = config_for(16, entries=64 * 4, rows_per_requantizer=2)
    dut, faults = Results(config), []

    async def testbench(ctx):
        await load_entries(ctx, dut, np.arange(64 * 4, dtype=np.uint32).reshape(64, 4))
        entry = dut.memory.cells.data[38 // 2][0]
        ctx.set(entry, ctx.get(entry) ^ 1)
        ctx.set(dut.command, layout_of(encode(Op.CONV, out_pixels=2, out_step=1, entry_base=8)))
        ctx.set(dut.take, 1)
        await ctx.tick()
        ctx.set(dut.take, 0)
        for pixel in range(6):
            for cycle in range(8):
                ctx.set(dut.soon, cycle == 0)
                ctx.set(dut.turn, cycle == 1)
                if ctx.get(dut.fault.valid):
                    faults.append((pixel // 2, ctx.get(dut.fault.address)))
                await ctx.tick()

    simulate(dut, testbench)
    assert faults == [(1, 19)] * 2

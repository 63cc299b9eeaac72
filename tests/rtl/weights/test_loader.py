"""Weights as they reach the array against the trits of whole models, however late the array swaps."""

import random

import numpy as np
import pytest

from gen.compile import compile_model
from rtl.base.ports import Weight
from rtl.weights.loader import WeightLoader
from spec.commands import Op
from spec.ring import Ring, digits
from spec.supermask import CANDIDATES, Mode
from spec.synthetic import synthetic_model
from spec.topologies import drawn, residual_network

SHAPES = {  # groups, rows, weight rows
    "4x4": (4, 4, 1), "4x16": (4, 16, 1), "8x8-by-4": (8, 8, 4), "16x4-by-2": (16, 4, 2),
}


def tiles_of(part, weights, config):
    """Trits of every weight tile (rows, channels) in order, tiles seen once per pixel tile and plane."""
    outputs, kernel, _, inputs = weights.shape
    planes = digits(weights, part.layer.planes)[::-1]
    padded = np.zeros((len(planes), part.tiles * config.rows, kernel, kernel, part.blocks * config.word_bytes), np.int8)
    padded[:, :outputs, :, :, :inputs] = planes
    for tile in range(part.tiles):
        rows = padded[:, tile * config.rows : (tile + 1) * config.rows]
        for _ in range(part.pixel_tiles):
            for plane, ky, kx in np.ndindex(len(planes), kernel, kernel):
                for block in np.split(rows[plane, :, ky, kx], part.blocks, axis=-1):
                    yield block, tile * config.rows


async def load_masks(ctx, dut, payload, config):
    """Write the mask memory as the host does, 32 bits at a time."""
    parts = config.mask_word_bits // 32
    for index, word in enumerate(payload):
        ctx.set(dut.mask_write.address, index // parts)
        ctx.set(dut.mask_write.data, word << 32 * (index % parts))
        ctx.set(dut.mask_write.enable, 1 << index % parts)
        await ctx.tick()
    ctx.set(dut.mask_write.enable, 0)


async def load_rings(ctx, dut, payload):
    """Write the ring memory as the host does."""
    ctx.set(dut.ring_write.enable, 1)
    for index, word in enumerate(payload):
        ctx.set(dut.ring_write.address, index)
        ctx.set(dut.ring_write.data, word)
        await ctx.tick()
    ctx.set(dut.ring_write.enable, 0)


def loaded_tiles(simulate, layout_of, program, payload, lateness, rings=()):
    """Weight sets that become active, in order, one number per fetch; swaps come up to ``lateness`` cycles late."""
    config = program.config
    dut, rng = WeightLoader(config), random.Random(lateness)
    shadow = [0] * config.load_cycles
    layers = [command for command in program.commands if command.op in (Op.CONV, Op.CLASSIFY)]
    sets = sum(c.placed.tiles * c.placed.pixel_tiles * c.placed.weight_tiles * c.placed.layer.passes for c in layers)
    active = []

    async def testbench(ctx):
        await load_masks(ctx, dut, payload, config)
        if rings:
            await load_rings(ctx, dut, rings)
        loading = iter(layers)
        command = next(loading)
        wait = 0
        while len(active) < sets:
            swap = bool(ctx.get(dut.full)) and wait == 0
            wait = rng.randint(0, lateness) if swap else max(0, wait - 1)
            ctx.set(dut.swap, swap)
            take = command is not None and bool(ctx.get(dut.idle))
            ctx.set(dut.take, take)
            if take:
                ctx.set(dut.command, layout_of(command.words))
                command = next(loading, None)
            if swap:
                active.append(shadow.copy())
            if ctx.get(dut.write):
                shadow[ctx.get(dut.write_index)] = ctx.get(dut.write_weights.as_value())
            await ctx.tick()
            assert not ctx.get(dut.mask_fault.valid)
            assert not config.ring_words or not ctx.get(dut.ring_fault.valid)
        assert ctx.get(dut.idle)
        assert not ctx.get(dut.full)

    simulate(dut, testbench)
    return active


def as_trits(fetches, config, part, number):
    """The weight set of pass ``number`` of a layer as (rows, channels)."""
    size = Weight.as_shape().size * config.groups * config.weight_rows
    packed = b"".join(fetch.to_bytes(size // 8, "little") for fetch in fetches)
    nibbles = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little").reshape(config.rows, config.groups, 4)
    select, negate, idle = nibbles[..., 0] + 2 * nibbles[..., 1], nibbles[..., 2].astype(np.int8), nibbles[..., 3]
    channels = np.eye(4, dtype=np.int8)
    if part.layer.mode.passes > 1:  # a, b, a + b, a - b of the pair whose pass it is
        channels = np.kron(np.eye(2, dtype=np.int8)[number], CANDIDATES)
    return (channels[select] * ((1 - idle) * (1 - 2 * negate))[..., None]).reshape(config.rows, -1)


def test_weights_lie_as_this_file_reads_them():
    assert Weight.const({"select": 2, "negate": 0, "idle": 1}).as_bits() == 0b1010
    assert Weight.const({"select": 1, "negate": 1, "idle": 0}).as_bits() == 0b0101


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(("shape", "lateness"), [("4x16", 0), *((shape, 9) for shape in SHAPES)])
def test_tiles_are_the_trits(simulate, layout_of, payload_of, small_model, fitting, mode, shape, lateness):
    """All layers of a model, one after the other; the passes of a tile add up to its trits."""
    groups, rows, weight_rows = SHAPES[shape]
    width = 12 if mode is Mode.ONE_OF_FOUR else 9
    model = small_model(mode=mode, image=(5, 4, 1), widths=(4, width), iterations=(0, 0))
    config = fitting(model.network, groups * rows, groups=groups, rows=rows, weight_rows=weight_rows)
    program = compile_model(model, config)
    active = iter(loaded_tiles(simulate, layout_of, program, payload_of(program.packets[1]), lateness))
    for layer in model.network.layers:
        for trits, first_row in tiles_of(program.plan.of(layer), model.weights(layer.name), config):
            part = program.plan.of(layer)
            sets = [as_trits(next(active), config, part, number) for number in range(layer.mode.passes)]
            there = min(config.rows, layer.outputs - first_row)  # rows beyond keep what they had
            assert np.array_equal(sum(sets)[:there], trits[:there]), layer.name
    assert next(active, None) is None


#: Shape, planes, words; "long" rows have more words than come at a time, and take longest to seed.
RINGS = [
    *((shape, 2, 6) for shape in SHAPES),
    *(pytest.param(shape, 5, 23, marks=() if shape == "4x4" else pytest.mark.slow) for shape in SHAPES),
    ("4x4", 1, 1), pytest.param("long", 3, 97, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("shape", "planes", "words"), RINGS)
def test_tiles_of_rings_are_the_trits_of_every_plane(simulate, layout_of, payload_of, fitting, shape, planes, words):
    """Layers that draw and layers with masks by turns; channels that are not there have no weight."""
    groups, rows, weight_rows = (SHAPES | {"long": (16, 4, 1)})[shape]
    plain = residual_network("t", image=(5, 4, 1), classes=3, widths=(4, 9), iterations=(0, 0), seed=5)
    drawing = ("stage1.entry.conv2", "stage2.entry.conv1", "stage2.entry.conv2")
    model = synthetic_model(drawn(plain, Ring("r", words, planes, drawing)), 3)
    config = fitting(model.network, groups * rows, groups=groups, rows=rows, weight_rows=weight_rows)
    program = compile_model(model, config)
    masks, rings = (payload_of(packet) for packet in program.packets[1:3])
    active = iter(loaded_tiles(simulate, layout_of, program, masks, 9, rings))
    for layer in model.network.layers:
        for trits, first_row in tiles_of(program.plan.of(layer), model.weights(layer.name), config):
            part = program.plan.of(layer)
            sets = [as_trits(next(active), config, part, number) for number in range(layer.mode.passes)]
            there = min(config.rows, layer.outputs - first_row)
            assert np.array_equal(sum(sets)[:there], trits[:there]), layer.name
    assert next(active, None) is None


@pytest.mark.parametrize("shape", SHAPES)
def test_first_row_and_first_tile_come_on_time(simulate, layout_of, small_model, fitting, shape):
    groups, rows, weight_rows = SHAPES[shape]
    model = small_model(widths=(16, 16))
    config = fitting(model.network, groups * rows, groups=groups, rows=rows, weight_rows=weight_rows)
    dut = WeightLoader(config)

    async def testbench(ctx):
        ctx.set(dut.command, layout_of(compile_model(model, config).commands[1].words))
        ctx.set(dut.take, 1)
        await ctx.tick()
        ctx.set(dut.take, 0)
        events = {}
        for cycle in range(1, 100):
            for name in ("write", "full"):
                if ctx.get(getattr(dut, name)):
                    events.setdefault(name, cycle)
            assert ctx.get(dut.starved) == (cycle < weight_rows + 3)
            if "full" in events:
                break
            await ctx.tick()
        assert events == {"write": weight_rows + 3, "full": weight_rows + 3 + rows // weight_rows}

    simulate(dut, testbench)


@pytest.mark.parametrize(("mode", "judged"), [(Mode.ANY, {0, 1}), (Mode.ONE_OF_FOUR, {0})])
def test_a_flipped_mask_is_reported_if_it_is_used(simulate, layout_of, payload_of, small_model, fitting, mode, judged):
    """The one fetch of a layer: of codes it takes one half of a mask word, the one ``judged``; raw bits take all."""
    model = small_model(mode=mode, image=(1, 1, 1), classes=2, widths=(4, 4), iterations=(0, 0))
    config = fitting(model.network, 64, groups=8, rows=8, weight_rows=4)
    program = compile_model(model, config)
    command = next(c for c in program.commands if c.placed and c.placed.layer.name == "stage2.entry.shortcut")
    unit = command.placed.mask_unit
    assert (config.mask_word_bits, command.placed.last_rows, command.placed.weight_tiles) == (128, 1, 1)
    for half in (0, 1):
        dut, faults = WeightLoader(config), []

        async def testbench(ctx, dut=dut, faults=faults, half=half):
            await load_masks(ctx, dut, payload_of(program.packets[1]), config)
            stored = dut.masks.cells.data[unit // 2][2 * (unit % 2 ^ half)]
            ctx.set(stored, ctx.get(stored) ^ 1)
            ctx.set(dut.command, layout_of(command.words))
            ctx.set(dut.take, 1)
            await ctx.tick()
            ctx.set(dut.take, 0)
            for _ in range(30):
                ctx.set(dut.swap, ctx.get(dut.full))
                if ctx.get(dut.mask_fault.valid):
                    faults.append(ctx.get(dut.mask_fault.address))
                await ctx.tick()

        simulate(dut, testbench)
        assert set(faults) == ({unit // 2} if half in judged else set())

"""The walk over the input map against nested loops, for every layer of oddly shaped networks, under stalls."""

import itertools
import random

import numpy as np
import pytest

from gen.compile import compile_model
from rtl.control.address_generator import AddressGenerator
from rtl.lane.accumulator import Accumulator
from spec.commands import Op
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import rpg

NETWORKS = {
    "several-pixel-tiles": {"image": (7, 6, 1), "iterations": (0, 0), "mode": Mode.ONE_OF_FOUR},
    "wide-map": {"image": (3, 9, 1), "iterations": (0, 0), "mode": Mode.TWO_OF_FOUR},
    "two-blocks-of-channels": {"image": (4, 5, 1), "widths": (20, 4), "mode": Mode.ONE_OF_FOUR},
    "short-runs": {"image": (2, 2, 1), "iterations": (0, 0), "mode": Mode.ANY},
    "single-pixels": {"image": (1, 1, 1), "widths": (4, 8, 8), "iterations": (0, 0, 0), "mode": Mode.TWO_OF_FOUR},
}


def expected(placed, sums):
    """(address or None for padding, first, start, last, second, triple) of every pixel word in order, by definition."""
    layer = placed.layer
    weight_tiles = list(np.ndindex(layer.planes, layer.kernel, layer.kernel, placed.blocks, layer.mode.passes))
    for _ in range(placed.tiles):
        for pixel_tile in range(placed.pixel_tiles):
            run = placed.last_run if pixel_tile == placed.pixel_tiles - 1 else placed.run
            for number, (plane, ky, kx, block, p) in enumerate(weight_tiles):
                for i in range(run):
                    oy, ox = divmod(pixel_tile * placed.run + i, layer.out_width)
                    y, x = oy * layer.stride + ky - layer.pad, ox * layer.stride + kx - layer.pad
                    inside = 0 <= y < layer.height and 0 <= x < layer.width
                    yield (
                        placed.source.base + (y * layer.width + x) * placed.blocks + block if inside else None,
                        i == 0,
                        number == 0 and (i == 0 or not sums),
                        number == len(weight_tiles) - 1 and (i == run - 1 or not sums),
                        p == 1,
                        plane > 0 and ky == kx == block == p == 0 and (i == 0 or not sums),
                    )


async def walk(ctx, dut, command, sums, stalled):
    """Beats of one command: idle beats since, what a memory of latency 2 delivers, and all marks."""
    ctx.set(dut.command, command)
    ctx.set(dut.sum_positions, sums)
    ctx.set(dut.advance, 1)
    ctx.set(dut.take, 1)
    await ctx.tick()
    ctx.set(dut.take, 0)
    fetched = word = None
    beats, since_take = [], 1
    while ctx.get(dut.busy):
        advance = not stalled()
        ctx.set(dut.advance, advance)
        beat = ctx.get(dut.beat)
        upcoming, finishing = ctx.get(dut.upcoming), ctx.get(dut.finishing)
        if advance:
            if beat.valid:
                triple = dut.rings and ctx.get(dut.triple)
                marks = beat.first, beat.start, beat.last, beat.second, triple
                beats.append((since_take, word if beat.inside else None, *marks))
            since_take += 1
            word, fetched = fetched, ctx.get(dut.address)
        await ctx.tick()
        if advance:
            assert ctx.get(dut.beat.first) == upcoming
            assert (ctx.get(dut.beat.first) and ctx.get(dut.beat.last)) == finishing
    return beats


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("stalls", [0.0, 0.4])
def test_beats_of_every_layer(simulate, layout_of, small_model, fitting, name, stalls):
    model = small_model(**NETWORKS[name])
    program = compile_model(model, fitting(model.network))
    assert walked(simulate, layout_of, program, name, stalls) == {(1, 1, 0), (1, 2, 0), (3, 1, 1), (3, 2, 1)}


def test_pixel_tiles_are_as_long_for_every_m_tile(simulate, layout_of, small_model, fitting):
    """25 pixels in tiles of 13 and 12, for two m-tiles: after the shorter one comes a longer one again."""
    model = small_model(image=(5, 5, 1), widths=(8,), iterations=(0,), mode=Mode.ONE_OF_FOUR)
    program = compile_model(model, fitting(model.network, psum_depth=16))
    stem = program.plan.of(model.network.layers[0])
    assert (stem.tiles, stem.pixel_tiles, stem.run, stem.last_run) == (2, 2, 13, 12)
    walked(simulate, layout_of, program, "13 and 12", 0.0)


@pytest.mark.parametrize(("name", "planes"), [("several-pixel-tiles", 2), ("wide-map", 1), ("single-pixels", 5)])
def test_beats_of_every_plane(simulate, layout_of, small_model, fitting, name, planes):
    """Some layers draw from a ring, others have masks; all planes of a ring come before the next tile of pixels."""
    network = rpg(small_model(**NETWORKS[name]).network, words=9, planes=planes, parts=("stem", "classifier"))
    program = compile_model(synthetic_model(network, 1), fitting(network))
    walked(simulate, layout_of, program, name, 0.2)


def walked(simulate, layout_of, program, name, stalls):
    """Compare the beats of every layer; return the windows that were walked."""
    dut, rng = AddressGenerator(rings=program.config.ring_words > 0, foresees=True), random.Random(name)
    shapes = set()

    async def testbench(ctx):
        for command in program.commands:
            if command.op not in (Op.CONV, Op.CLASSIFY):
                continue
            placed, sums = command.placed, command.op is Op.CLASSIFY
            beats = await walk(ctx, dut, layout_of(command.words), sums, lambda: rng.random() < stalls)
            assert [beat[1:] for beat in beats] == list(expected(placed, sums)), command.label
            assert beats[0][0] == 4
            starts = [at for at, _, first, *_ in beats if first]
            runs = [placed.last_run if i % placed.pixel_tiles == placed.pixel_tiles - 1 else placed.run
                    for i in range(placed.tiles * placed.pixel_tiles)
                    for _ in range(placed.weight_tiles * placed.layer.passes)]
            gaps = [after - before for before, after in itertools.pairwise(starts)]
            assert gaps == [max(run, Accumulator.TURNAROUND) for run in runs[:-1]]
            shapes.add((placed.layer.kernel, placed.layer.stride, placed.layer.pad))

    simulate(dut, testbench, limit=200_000)
    return shapes

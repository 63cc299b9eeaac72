"""The order of weight fetches against nested loops."""

import random

import pytest

from rtl.weights.mask_walk import MaskWalk
from spec.commands import RING_UNIT, Op, encode
from spec.config import config_for

# Command fields and shape (groups, rows, weight rows) of every case.
CASES = {
    "any-3x3": ((4, 4, 1), {"passes": 2, "kernel": 3, "blocks": 2, "tiles": 2, "last_rows": 3, "last_groups": 1,
                            "pixel_tiles": 2}),
    "2of4-1x1": ((4, 16, 4), {"passes": 2, "kernel": 1, "blocks": 3, "tiles": 3, "last_rows": 1, "last_groups": 4,
                              "pixel_tiles": 1}),
    "1of4-3x3": ((8, 8, 8), {"passes": 1, "kernel": 3, "blocks": 1, "tiles": 3, "last_rows": 1, "last_groups": 5,
                             "pixel_tiles": 3, "coded": 1}),
    "1of4-1x1": ((16, 8, 2), {"passes": 1, "kernel": 1, "blocks": 2, "tiles": 1, "last_rows": 2, "last_groups": 16,
                              "pixel_tiles": 2, "coded": 1}),
}


def expected(fields, load_cycles):
    """Every fetch in order, by definition."""
    size = 1 if fields.get("coded") else 2
    tile_units = fields["kernel"] ** 2 * fields["blocks"] * load_cycles * size
    for tile in range(fields["tiles"]):
        rows = fields["last_rows"] if tile == fields["tiles"] - 1 else load_cycles
        for pixel_tile in range(fields["pixel_tiles"]):
            for weight_tile in range(fields["kernel"] ** 2 * fields["blocks"]):
                block = weight_tile % fields["blocks"]
                for pass_index in range(fields["passes"]):
                    for row in range(rows):
                        first = weight_tile == pass_index == 0
                        yield {
                            "valid": 1,
                            "unit": fields["mask_base"] + tile * tile_units + (weight_tile * rows + row) * size,
                            "index": row,
                            "last": row == rows - 1,
                            "start": first and pixel_tile == 0,
                            "rewind": first and pixel_tile > 0,
                            "commit": pass_index == fields["passes"] - 1,
                            "second": pass_index == 1,
                            "partial": block == fields["blocks"] - 1,
                            "groups": fields["last_groups"],
                            "words": -(-fields["last_groups"] // 4),
                        }


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("stalls", [0.0, 0.5])
def test_fetches_in_order(simulate, layout_of, case, stalls):
    (groups, rows, weight_rows), fields = CASES[case]
    config = config_for(groups * rows, groups=groups, rows=rows, weight_rows=weight_rows)
    dut, rng = MaskWalk(config), random.Random(case)

    async def testbench(ctx):
        for base in (0, 1000):
            command = fields | {"mask_base": base}
            assert ctx.get(dut.idle)
            ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
            ctx.set(dut.take, 1)
            await ctx.tick()
            ctx.set(dut.take, 0)
            ctx.set(dut.command, layout_of(encode(Op.HALT)))  # the walk keeps its own copy
            for number, fetch in enumerate(expected(command, config.load_cycles)):
                ctx.set(dut.advance, 0)
                while rng.random() < stalls:
                    await ctx.tick()
                got = ctx.get(dut.fetch)
                assert {name: getattr(got, name) for name in fetch} == fetch, number
                assert not ctx.get(dut.idle)
                ctx.set(dut.advance, 1)
                await ctx.tick()
            assert not ctx.get(dut.fetch.valid)

    simulate(dut, testbench)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("late", [0, 9])
def test_streamed_fetches_come_from_their_chunks(simulate, layout_of, case, late):
    """Each m-tile from the place of its chunk, however late that comes; it is freed with its last fetch."""
    (groups, rows, weight_rows), fields = CASES[case]
    config = config_for(groups * rows, groups=groups, rows=rows, weight_rows=weight_rows)
    dut, rng = MaskWalk(config), random.Random(case)
    size, per_word = 1 if fields.get("coded") else 2, config.mask_word_bits // config.mask_unit_bits
    parts = config.mask_word_bits // 32
    weight_tiles = fields["kernel"] ** 2 * fields["blocks"]
    fetches = list(expected(fields | {"mask_base": 0}, config.load_cycles))

    async def testbench(ctx):
        ctx.set(dut.command, layout_of(encode(Op.CONV, streamed=1, **fields)))
        ctx.set(dut.take, 1)
        ctx.set(dut.advance, 1)
        await ctx.tick()
        ctx.set(dut.take, 0)
        done = 0
        for tile in range(fields["tiles"]):
            last = tile == fields["tiles"] - 1
            rows_there = fields["last_rows"] if last else config.load_cycles
            count = fields["pixel_tiles"] * weight_tiles * fields["passes"] * rows_there
            words = -(-weight_tiles * rows_there * size // per_word)
            place, wrong = rng.randrange(100), rng.choice([-1, 0, 0, 1])
            for _ in range(rng.randint(0, late)):
                assert not ctx.get(dut.fetch.valid)
                assert ctx.get(dut.hungry)
                await ctx.tick()
            ctx.set(dut.chunk, {"valid": 1, "first": place * parts, "end": (place + words) * parts + wrong})
            assert not ctx.get(dut.hungry)
            await ctx.tick()
            base = tile * weight_tiles * config.load_cycles * size
            for number, fetch in enumerate(fetches[done : done + count]):
                got = ctx.get(dut.fetch)
                moved = fetch | {"unit": fetch["unit"] - base + place * per_word}
                assert {name: getattr(got, name) for name in fetch} == moved, (tile, number)
                assert ctx.get(dut.free) == (number == count - 1)
                assert not ctx.get(dut.misfit)
                await ctx.tick()
            ctx.set(dut.chunk.valid, 0)
            await ctx.tick()
            assert ctx.get(dut.misfit) == (wrong != 0)
            done += count
        assert done == len(fetches)
        assert ctx.get(dut.idle)
        assert not ctx.get(dut.hungry)

    simulate(dut, testbench)


#: Fields of a ring's base, in words, size and planes; the second is of a build where only layers with masks run.
RINGS = {"five": (32, 37, 5), "one": (0, 1, 1), "masks": (0, 0, 0)}


@pytest.mark.parametrize("case", ["any-3x3", "2of4-1x1"])
@pytest.mark.parametrize("ring", RINGS)
def test_planes_go_from_the_highest_to_the_lowest(simulate, layout_of, case, ring):
    """Each goes back to the start of the streams; it is the only thing that a plane changes but its place in memory."""
    (groups, rows, weight_rows), fields = CASES[case]
    base, size, planes = RINGS[ring]
    config = config_for(groups * rows, groups=groups, rows=rows, weight_rows=weight_rows, ring_words=256)
    dut, rng = MaskWalk(config), random.Random(case)
    ignored = {"unit"} if planes else set()
    per_tile = fields["kernel"] ** 2 * fields["blocks"] * fields["passes"]
    drawn = {"ring": 1, "top_plane": planes - 1, "ring_base": base // RING_UNIT, "ring_words": size}
    command = fields | (drawn if planes else {"mask_base": 8})

    async def testbench(ctx):
        for _ in range(2):
            ctx.set(dut.command, layout_of(encode(Op.CONV, **command)))
            ctx.set(dut.take, 1)
            await ctx.tick()
            ctx.set(dut.take, 0)
            ctx.set(dut.command, layout_of(encode(Op.HALT)))
            fetches = iter(list(expected(fields | {"mask_base": 8}, config.load_cycles)))
            for tile in range(fields["tiles"]):
                count = per_tile * (fields["last_rows"] if tile == fields["tiles"] - 1 else config.load_cycles)
                for _ in range(fields["pixel_tiles"]):
                    of_tile = [next(fetches) for _ in range(count)]
                    for plane in range(max(1, planes)):
                        for number, fetch in enumerate(of_tile):
                            if plane:
                                first = fetch["start"] or fetch["rewind"]
                                fetch = fetch | {"start": 0, "rewind": first}
                            ctx.set(dut.advance, 0)
                            while rng.random() < 0.2:
                                await ctx.tick()
                            got = ctx.get(dut.fetch)
                            wanted = {name: value for name, value in fetch.items() if name not in ignored}
                            assert {name: getattr(got, name) for name in wanted} == wanted, (tile, plane, number)
                            if planes:
                                assert ctx.get(dut.plane) == base + plane * size
                            ctx.set(dut.advance, 1)
                            await ctx.tick()
            assert ctx.get(dut.idle)

    simulate(dut, testbench)

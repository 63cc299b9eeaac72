"""The shadow set is filled in any order and becomes the active one whole; filling it disturbs nothing."""

import random

import pytest

from rtl.base.ports import weight_bits
from rtl.weights.registers import WeightRegisters


@pytest.mark.parametrize(("groups", "rows", "write_rows"), [(4, 4, 1), (4, 8, 2), (8, 4, 4), (16, 2, 1)])
def test_tiles_follow_one_another(simulate, groups, rows, write_rows):
    """The first rows of a tile are written in the cycle of the swap before; rows not written keep their weights."""
    rng, width = random.Random(groups), weight_bits(groups)
    dut = WeightRegisters(groups=groups, rows=rows, write_rows=write_rows)
    fetches = rows // write_rows

    async def write(ctx, tile, group):
        ctx.set(dut.write, 1)
        ctx.set(dut.write_group, group)
        here = tile[group * write_rows : (group + 1) * write_rows]
        ctx.set(dut.write_weights.as_value(), sum(row << i * width for i, row in enumerate(here)))

    async def testbench(ctx):
        shadow = active = [None] * rows
        for number in range(20):
            tile = [rng.getrandbits(width) for _ in range(rows)]
            groups_written = rng.sample(range(fetches), fetches if number < 3 else rng.randint(1, fetches))
            for group in groups_written:
                await write(ctx, tile, group)
                ctx.set(dut.swap, number > 0 and group == groups_written[0])
                await ctx.tick()
                if ctx.get(dut.swap):
                    active = shadow
                rows_written = range(group * write_rows, (group + 1) * write_rows)
                shadow = [tile[r] if r in rows_written else shadow[r] for r in range(rows)]
                ctx.set(dut.swap, 0)
                ctx.set(dut.write, 0)
                for _ in range(rng.randint(0, 2)):
                    await ctx.tick()
                assert all(active[r] is None or ctx.get(dut.weights[r]) == active[r] for r in range(rows))
        assert None not in active

    simulate(dut, testbench)

"""The multiplication: every pair of extremes, and of what lies around them, a cycle later."""

import itertools

from rtl.lane.product import FACTOR_BITS, Product

EDGE = 1 << FACTOR_BITS - 1
VALUES = (-EDGE, -EDGE + 1, -12345, -2, -1, 0, 1, 2, 54321, EDGE - 2, EDGE - 1)


def test_a_product_comes_a_cycle_later(simulate):
    dut = Product()

    async def testbench(ctx):
        before = None
        for a, b in itertools.product(VALUES, VALUES):
            ctx.set(dut.a, a)
            ctx.set(dut.b, b)
            if before is not None:
                assert ctx.get(dut.product) == before
            before = a * b
            await ctx.tick()
        assert ctx.get(dut.product) == before

    simulate(dut, testbench)

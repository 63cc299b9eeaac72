"""Sum and difference of a pair, or the other two bytes."""

import itertools
import random

import pytest

from rtl.lane.pair_sums import PAIR_MODULE, PairSums


@pytest.mark.parametrize("chosen", [True, False])
def test_all_extremes_and_some(simulate, chosen):
    dut, rng = PairSums(chosen=chosen), random.Random(2)
    cases = [*itertools.product((0, 255, 128), repeat=4), *([rng.randrange(256) for _ in range(4)] for _ in range(99))]

    async def testbench(ctx):
        for (a, b, c, d), pairs in itertools.product(cases, range(2)):
            for port, value in {"a": a, "b": b, "c": c, "d": d, "pairs": pairs}.items():
                ctx.set(getattr(dut, port), value)
            assert (ctx.get(dut.third), ctx.get(dut.fourth)) == ((a + b, a - b) if pairs else (c, d))

    simulate(dut, testbench)


def test_where_nothing_is_chosen_it_is_no_module():
    assert PairSums().module == PAIR_MODULE
    assert not PairSums(chosen=False).module

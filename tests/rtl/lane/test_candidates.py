"""Candidates of a group against their sums, in every mode; a cycle after their word."""

import numpy as np
import pytest

from rtl.lane.candidates import TERM_BITS, Candidates, Four
from spec.supermask import CANDIDATES, GROUP


def of_group(x, pairs, second):
    """The four candidates of the bytes ``x``, by definition."""
    return (np.array(CANDIDATES) @ x[2 * second : 2 * second + 2]).tolist() if pairs else x


@pytest.mark.parametrize("groups", [1, 4])
def test_candidates_of_random_and_extreme_words(simulate, groups):
    rng, dut = np.random.default_rng(groups), Candidates(groups=groups)

    async def testbench(ctx):
        extremes = [[255] * 4, [0] * 4, [255, 0, 255, 0], [0, 255, 0, 255]]
        for x in [*np.repeat(extremes, groups, axis=0).reshape(4, groups, GROUP).tolist(),
                  *rng.integers(0, 256, (60, groups, GROUP)).tolist()]:
            ctx.set(dut.word, int.from_bytes(bytes(byte for group in x for byte in group), "little"))
            for inside, pairs, second in ((1, 0, 0), (1, 1, 0), (1, 1, 1), (0, 1, 0), (0, 0, 0)):
                ctx.set(dut.inside, inside)
                ctx.set(dut.pairs, pairs)
                ctx.set(dut.second, second)
                await ctx.tick()
                for g in range(groups):
                    wanted = of_group(x[g], pairs, second) if inside else [0] * GROUP
                    four = ctx.get(dut.candidates[g])
                    assert [four.first, four.second, four.third, four.fourth] == wanted

    simulate(dut, testbench)


def test_bits():
    assert Four.as_shape().size == 8 + 8 + 9 + 9
    assert 1 << TERM_BITS - 1 > 2 * 255

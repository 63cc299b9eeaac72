"""The selector: every choice of candidates that all differ, and the module that stands for it in Verilog."""

import itertools

import numpy as np
from amaranth.back import rtlil

from rtl.lane.candidates import TERM_BITS
from rtl.lane.selector import SELECT_MODULE, SELECT_VERILOG, Selector

_EVERY = (1 << TERM_BITS) - 1


class _Platform:
    select_module = SELECT_MODULE


def test_term_and_carry_are_the_candidate_or_its_negative(simulate):
    dut, rng = Selector(), np.random.default_rng(1)

    async def testbench(ctx):
        values = [[0, -1, 510, -510], [255, -255, 1, -2], *rng.integers(-510, 511, (40, 4)).tolist()]
        for candidates, select, negate in itertools.product(values, range(4), range(2)):
            ctx.set(dut.candidates, sum((value & _EVERY) << TERM_BITS * i for i, value in enumerate(candidates)))
            ctx.set(dut.select, select)
            ctx.set(dut.negate, negate)
            term = ctx.get(dut.term)
            signed = term - (1 << TERM_BITS) * (term >> TERM_BITS - 1)
            assert signed + negate == candidates[select] * (1 - 2 * negate)

    simulate(dut, testbench)


def test_a_platform_provides_the_module():
    text = rtlil.convert(Selector(), platform=_Platform())
    assert f"cell \\{SELECT_MODULE} " in text
    assert f"module {SELECT_MODULE} (" in SELECT_VERILOG
    for port in ("candidates", "select", "negate", "term"):
        assert f"connect \\{port} " in text
        assert f" {port}" in SELECT_VERILOG

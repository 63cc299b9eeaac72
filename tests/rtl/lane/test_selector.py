"""The selector: every choice of candidates that all differ, and the module that stands for it in Verilog."""

import itertools

import numpy as np
from amaranth.back import rtlil

from rtl.lane.candidates import TERM_BITS, Four
from rtl.lane.selector import SELECT_MODULE, SELECT_VERILOG, Selector


class _Platform:
    select_module = SELECT_MODULE


def test_term_and_carry_are_the_candidate_or_its_negative(simulate):
    dut, rng = Selector(), np.random.default_rng(1)

    async def testbench(ctx):
        some = rng.integers((0, 0, 0, -255), (256, 256, 511, 256), (40, 4)).tolist()
        values = [[0, 255, 510, -255], [255, 0, 1, 255], *some]
        for candidates, select, negate in itertools.product(values, range(4), range(2)):
            ctx.set(dut.candidates, dict(zip(Four.as_shape().members, candidates, strict=True)))
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

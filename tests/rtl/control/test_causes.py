"""The cause of a cycle, for everything that can go on at once."""

import itertools

from amaranth.hdl import Module, Signal

from rtl.base.ports import Cause
from rtl.control.causes import Doing, name_cause

#: What goes on, and the cause that it is, the first before all others.
ORDER = (
    ({"sums"}, Cause.ARRAY), ({"waits", "full"}, Cause.REQUANTIZE), ({"waits", "starved"}, Cause.MASK_WAIT),
    ({"waits"}, Cause.WEIGHT_LOAD), ({"drains"}, Cause.DRAIN), ({"stores"}, Cause.REQUANTIZE), ({"pools"}, Cause.POOL),
    ({"sends"}, Cause.HOST), (set(), Cause.SEQUENCER),
)


def test_the_first_that_applies_gets_the_cycle(simulate):
    m, doing, cause = Module(), Signal(Doing), Signal(Cause)
    name_cause(m, doing, cause)
    m.d.sync += Signal().eq(0)
    names = list(Doing.as_shape().members)

    async def testbench(ctx):
        for bits in itertools.product(range(2), repeat=len(names)):
            now = {name for name, bit in zip(names, bits, strict=True) if bit}
            ctx.set(doing, dict(zip(names, bits, strict=True)))
            assert ctx.get(cause) == next(cause for needed, cause in ORDER if needed <= now)

    simulate(m, testbench)

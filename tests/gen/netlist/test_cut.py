"""What nobody reads says so in its name."""

import re

from pyosys import libyosys as ys

from gen.netlist.cut import name_unused


def test_unread_bits_have_a_name_that_says_so(read, written, proved_equal, held_sum):
    """Also where they begin with a value."""
    design = read(held_sum)
    name_unused(design.module(ys.IdString("\\top")))
    text = written(design)
    assert re.search(r"\{.*held_unused.*\} = ", text)
    assert re.search(r"wire \[3:0\] held;", text)
    assert proved_equal(held_sum, text)

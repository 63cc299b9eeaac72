"""Registers and choices lose the bits that nobody reads."""

import re

from pyosys import libyosys as ys

from gen.netlist.cut import name_unused
from gen.netlist.narrow import narrow
from gen.netlist.reads import links_of


def test_registers_and_choices_are_as_narrow_as_what_is_read_of_them(read, written, proved_equal, held_sum):
    design = read(held_sum)
    module = design.module(ys.IdString("\\top"))
    while narrow(module, links_of(module)):
        design.run_pass("tee -q opt_clean -purge")
    name_unused(module)
    text = written(design)
    assert re.search(r"reg \[3:0\] \w+ = 4'h3;", text), text
    assert re.search(r"\{ sum_unused\[3:2\], sum, sum_unused\[1:0\] \} = a \+ b;", text)
    assert proved_equal(held_sum, text)
    assert not proved_equal(held_sum, text.replace("4'h3", "4'hc"))

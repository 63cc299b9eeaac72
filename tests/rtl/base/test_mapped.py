"""A part is what it describes, or an instance of a module that the platform names."""

import re

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import In, Out

from rtl.base.mapped import Mapped


class Part(Mapped):
    """``there`` is ``here`` of the cycle before, or, without a clock, of the same."""

    here: In(3)
    there: Out(3)

    def __init__(self, module, clocked):
        self.module, self.clocked = module, clocked
        super().__init__()

    def describe(self):
        m = Module()
        m.d["sync" if self.clocked else "comb"] += self.there.eq(self.here)
        return m


class Platform:
    mapped = {"some_part": "other_part"}


def design(module, clocked, platform):
    """Cells, and what is connected to them, of a design around a part."""
    m, there = Module(), Signal(3)
    m.submodules.part = part = Part(module, clocked)
    m.d.comb += [part.here.eq(5), there.eq(part.there)]
    text = rtlil.convert(m, platform=platform, ports=[there])
    return re.findall(r"cell \\(\S+) ", text), set(re.findall(r"connect \\(\w+)", text))


@pytest.mark.parametrize("clocked", [False, True])
def test_a_platform_names_the_module(clocked):
    cells, ports = design("some_part", clocked, Platform())
    assert cells == ["other_part"]
    assert ports >= {"here", "there"}
    assert ("clk" in ports) == clocked


@pytest.mark.parametrize(("platform", "module"), [(None, "some_part"), (Platform(), "unknown"), (Platform(), "")])
def test_otherwise_it_is_described(platform, module):
    assert "other_part" not in design(module, True, platform)[0]

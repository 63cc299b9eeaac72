"""RTLIL to Verilog that needs no leniency: no combinational block, no initial value in a declaration."""

import re
import subprocess
import sys

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from gen.netlist import WRITER
from gen.netlist.write import written


class Counter(wiring.Component):
    """Counts up or down by cases; register, choices, mixed widths, a part that nobody reads."""

    enable: In(1)
    mode: In(2)
    step: In(signed(3))
    count: Out(8, init=3)
    high: Out(1)

    def elaborate(self, platform):
        m = Module()
        total, alias = Signal(9), Signal(8)
        m.d.comb += [total.eq(self.count + self.step), alias.eq(self.count)]
        with m.If(self.enable), m.Switch(self.mode):
            with m.Case(0):
                m.d.sync += self.count.eq(total)
            with m.Case(1, 2):
                m.d.sync += self.count.eq(self.count - 1)
        m.d.comb += self.high.eq(~self.count.any() | total[8])
        return m


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "counter.il"
    path.write_text(rtlil.convert(Counter(), name="counter", emit_src=False))
    return path


def test_what_is_written(source):
    target = source.with_suffix(".v")
    written([str(source), str(target)])
    text = target.read_text()
    assert not re.search(r"always @\*|casez?\b|^  reg [^;]*=|\\", text, re.MULTILINE)
    assert "  initial count = 8'h03;\n" in text
    assert "always @(posedge clk)" in text


def test_all_names_are_kept_on_request(source):
    texts = {}
    for options in ((), ("--all-names",)):
        target = source.with_suffix(".v")
        written([*options, str(source), str(target)])
        texts[options] = target.read_text()
    assert "alias" in texts["--all-names",]
    assert "alias" not in texts[()]


def test_an_error_ends_the_process(tmp_path):
    (tmp_path / "bad.il").write_text("no netlist\n")
    command = [sys.executable, "-m", WRITER, str(tmp_path / "bad.il"), str(tmp_path / "out.v")]
    assert subprocess.run(command, capture_output=True, check=False).returncode
    assert not (tmp_path / "out.v").exists()

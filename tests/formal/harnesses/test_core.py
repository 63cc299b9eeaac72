"""The harness of formal.harnesses.core: its proof takes longer than tests may, see `make prove`."""

from formal.harness import rtlil_of
from formal.harnesses.core import IdleAfterAbort


def test_lanes_are_cut_out_and_the_host_port_and_the_sequencer_are_not():
    text = rtlil_of(IdleAfterAbort())
    assert "top.dut.engine.sequencer.program" in text
    assert "top.dut.loader" in text
    assert "top.dut.engine.lane0.array" not in text

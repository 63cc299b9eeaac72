"""Length of the Verilog, and how long it takes."""

from flows.bench.verilog import verilog_row
from gen.verilog import accelerator_verilog
from spec.config import config_for


def test_lines_and_bytes_are_those_of_the_text():
    text, row = accelerator_verilog(config_for(16)), verilog_row(16)
    assert (row["pe"], row["lines"], row["bytes"]) == (16, len(text.splitlines()), len(text.encode()))
    assert row["seconds"] > 0

"""Length of the Verilog, and how long it takes."""

import pytest

from flows.bench import verilog
from gen.verilog import accelerator_verilog
from spec.config import config_for


@pytest.mark.slow
def test_lines_bytes_and_seconds(monkeypatch):
    monkeypatch.setattr(verilog.time, "perf_counter", iter((100.0, 101.25)).__next__)
    text, row = accelerator_verilog(config_for(16)), verilog.verilog_row(16)
    assert (row["pe"], row["lines"], row["bytes"]) == (16, len(text.splitlines()), len(text.encode()))
    assert row["seconds"] == 1.25

"""Dumps are cut to whole cycles, and every signal keeps the value it had."""

import pytest
from vcdvcd import VCDVCD

from sim.waveform import cut

HEADER = """$timescale 1ns $end
$scope module testbench $end
$var wire 1 ! clk $end
$var wire 32 " cycle [31:0] $end
$var wire 4 # slow [3:0] $end
$scope module dut $end
$var wire 5 $ cycle [4:0] $end
$upscope $end
$upscope $end
$enddefinitions $end
"""


def dump(cycles):
    lines = []
    for cycle in cycles:
        lines += [f"#{10 * cycle}", "1!", f'b{cycle:b} "', *([f"b{cycle % 16:b} #"] if cycle % 20 == 0 else []), "b1 $"]
        lines += [f"#{10 * cycle + 5}", "0!"]
    return HEADER + "\n".join(lines) + "\n"


@pytest.mark.parametrize(("first", "end", "count"), [(105, 125, 20), (40, 60, 10), (190, 230, 10), (120, 121, 1)])
def test_a_window(tmp_path, first, end, count):
    path = tmp_path / "a.vcd"
    path.write_text(dump(range(50, 200)))
    assert cut(path, first, end) == count
    waveform = VCDVCD(str(path))
    values = [int(value, 2) for _, value in waveform["testbench.cycle[31:0]"].tv]
    assert values == [cycle for cycle in range(50, 200) if first <= cycle < end]
    assert waveform.begintime == 10 * values[0]
    slow = waveform["testbench.slow[3:0]"]
    last = max((cycle for cycle in range(50, values[0] + 1) if cycle % 20 == 0), default=None)
    if last is not None:
        assert int(slow[10 * values[0]], 2) == last % 16


def test_signals_keep_their_edges(tmp_path):
    path = tmp_path / "a.vcd"
    path.write_text(dump(range(50)))
    cut(path, 10, 12)
    clock = VCDVCD(str(path))["testbench.clk"]
    assert clock.tv == [(100, "1"), (105, "0"), (110, "1"), (115, "0")]

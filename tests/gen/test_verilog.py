"""The emitted Verilog: the same every time, small, free of the machine it was made on, with the right pins."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gen import verilog
from gen.verilog import LANE_MODULE, TOP, accelerator_verilog
from rtl.accelerator import Accelerator
from rtl.base.ram import RAM_MODULE, RAM_VERILOG
from rtl.lane.lane import Lane
from spec.commands import FIELDS
from spec.config import config_for

CONFIG = {"x_bytes": 512, "t_bytes": 512, "mask_bits": 1024, "entries": 64, "commands": 8}


@pytest.fixture(scope="module")
def text():
    return accelerator_verilog(config_for(16, **CONFIG))


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_every_process_writes_the_same_bytes(text, tmp_path, seed):
    """Whatever the hash seed, the folder and the user."""
    program = (
        "from gen.verilog import accelerator_verilog; from spec.config import config_for; "
        f"print(accelerator_verilog(config_for(16, **{CONFIG})), end='')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd()), "HOME": str(tmp_path)},
    )
    assert result.stdout == text


def test_nothing_tells_where_it_was_made(text):
    for trace in (str(Path.cwd()), str(Path.home()), "/tmp", ".py", "site-packages"):
        assert trace not in text


def test_memories_have_no_content(text):
    """Larger memories change numbers but add no lines: no memory is written out word by word."""
    large = {name: 16 * value for name, value in CONFIG.items()}
    more = len(accelerator_verilog(config_for(16, **large)).splitlines()) - len(text.splitlines())
    assert abs(more) < 8  # wider addresses are cut elsewhere; the smallest memory has 16 words
    for block in re.findall(r"initial begin\n(.*?)\n\s*end\n", text, re.DOTALL):
        assert block.count("\n") < 8  # the four sign states of a lane


def test_every_memory_is_an_instance_of_the_wrapper(text):
    """X, T, psums, and masks, entries and program with their parity: nine, and the model of one at the end."""
    assert len(re.findall(rf"^  {RAM_MODULE} #\(", text, re.MULTILINE)) == 9
    assert text.endswith(RAM_VERILOG)
    assert text.count(f"module {RAM_MODULE} ") == 1


#: Names of what only a build with rings has. The bits of a command have their names everywhere.
_RINGS = re.compile(r"(?<![.\w])\\?(?:[\w.$]*\.)?(rings|plane|triple\w*|ring_\w+|plane_\w+|copy\d)(?![\w.])")
_FIELDS = {field.name for field in FIELDS}


def test_a_build_without_rings_has_nothing_of_them(text):
    """Neither a name, nor a memory and its parity, nor wider sums, nor a packet target; the feature's bit is 0."""
    with_rings = accelerator_verilog(config_for(16, **CONFIG, ring_words=64))
    found = {name for name in _RINGS.findall(with_rings) if name not in _FIELDS}
    assert {"rings", "plane", "triple", "ring_write__enable", "plane_left"} <= found
    assert {name for name in _RINGS.findall(text) if name not in _FIELDS} == set()
    instances = rf"^  {RAM_MODULE} #\("
    assert len(re.findall(instances, with_rings, re.MULTILINE)) == len(re.findall(instances, text, re.MULTILINE)) + 2
    sums = [re.search(r"output \[(\d+):0\] psum;", source)[1] for source in (text, with_rings)]
    assert sums == [str(4 * 24 - 1), str(4 * 32 - 1)]


def test_lanes_are_instances_of_one_module(text):
    """The lane is described once, however many there are; each instance connects all of its ports, and a clock."""
    config = config_for(64, groups=4, rows=4, lanes=4, **CONFIG)
    four = accelerator_verilog(config)
    for emitted, lanes in ((text, 1), (four, 4)):
        assert emitted.count(f"module {LANE_MODULE}(") == 1
        instances = re.findall(rf"^  {LANE_MODULE} (\w+) \((.*?)\);", emitted, re.MULTILINE | re.DOTALL)
        assert [name for name, _ in instances] == [f"lane{lane}" for lane in range(lanes)]
        ports = {"__".join(map(str, path)) for path, _, _ in Lane(config).signature.flatten(Lane(config))} | {"clk"}
        for _, connections in instances:
            assert set(re.findall(r"\.(\w+)\(", connections)) == ports
    _, _, first = text.partition(f"module {LANE_MODULE}(")
    _, _, second = four.partition(f"module {LANE_MODULE}(")
    assert first == second


def test_top_has_the_pins_of_the_contract(text):
    modules = re.findall(r"^module (\S+)\s*\((.*?)\);(.*?)^endmodule", text, re.MULTILINE | re.DOTALL)
    pins, body = next((pins, body) for name, pins, body in modules if name == TOP)
    names = {pin.strip() for pin in pins.split(",")}
    assert names == set(Accelerator(config_for(16)).signature.members)
    declared = {
        name: (direction, int(width or 0) + 1)
        for direction, width, name in re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", body, re.MULTILINE)
    }
    assert set(declared) == names
    assert declared["aclk"] == declared["aresetn"] == ("input", 1)
    assert declared["s_axi_awaddr"] == ("input", 8)
    assert declared["s_axi_rdata"] == declared["m_axis_tdata"] == ("output", 32)
    assert declared["irq"] == ("output", 1)


def test_first_line_names_the_configuration(text):
    config = config_for(16, **CONFIG)
    assert text.startswith(f"// Foldenite, configuration {config.hash:08x}: 16 PEs. Generated; do not edit.\n")
    assert accelerator_verilog(config_for(16, **CONFIG | {"commands": 9})).splitlines()[0] != text.splitlines()[0]


def test_a_failing_yosys_is_reported(monkeypatch):
    monkeypatch.setattr(verilog, "_YOSYS", "raise SystemExit('out of gates')")
    with pytest.raises(RuntimeError, match="Yosys could not write the Verilog: out of gates"):
        accelerator_verilog(config_for(16, **CONFIG))

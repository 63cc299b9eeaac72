"""The emitted Verilog: the same every time, small, free of the machine it was made on, with the right pins.

That no linter objects to it and no standard changes it is in sim/test_lint.py and sim/test_icarus.py.
"""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gen import verilog
from gen.verilog import LANE_MODULE, SERIAL_TOP, TOP, accelerator_verilog, serial_verilog, waivers
from rtl.accelerator import Accelerator
from rtl.base.ram import RAM_MODULE, RAM_VERILOG
from rtl.lane.lane import Lane
from spec.commands import FIELDS
from spec.config import config_for
from spec.refusal import Refused

CONFIG = {"x_bytes": 512, "t_bytes": 512, "mask_bits": 1024, "entries": 64, "commands": 8}


RENAMED = "Zebra_2"


@pytest.fixture(scope="module")
def text():
    return accelerator_verilog(config_for(16, **CONFIG))


#: Larger memories, and so another configuration.
LARGE = {name: 16 * value for name, value in CONFIG.items()}


@pytest.fixture(scope="module")
def large():
    return accelerator_verilog(config_for(16, **LARGE))


@pytest.fixture(scope="module")
def renamed():
    return accelerator_verilog(config_for(16, **CONFIG), top=RENAMED)


def test_every_process_writes_the_same_bytes(text, tmp_path):
    """Whatever the hash seed, which is another one here, the folder and the user."""
    program = (
        "from gen.verilog import accelerator_verilog; from spec.config import config_for; "
        f"print(accelerator_verilog(config_for(16, **{CONFIG})), end='')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(Path.cwd()), "HOME": str(tmp_path)},
    )
    assert result.stdout == text


def test_nothing_tells_where_it_was_made(text):
    for trace in (str(Path.cwd()), str(Path.home()), "/tmp", ".py", "site-packages"):
        assert trace not in text


def test_memories_have_no_content(text, large):
    """Larger memories change numbers but add no lines: no memory is written out word by word."""
    more = len(large.splitlines()) - len(text.splitlines())
    assert -40 < more < 8  # wider addresses are cut elsewhere; the smallest memory has 16 words
    for block in re.findall(r"initial begin\n(.*?)\n\s*end\n", text, re.DOTALL):
        assert block.count("\n") < 8  # the four sign states of a lane


def test_every_memory_is_an_instance_of_the_wrapper(text):
    """X, T, psums, counters, and masks, entries and program with their parity: ten, and the model of one at the end."""
    assert len(re.findall(rf"^  {RAM_MODULE} #\(", text, re.MULTILINE)) == 10
    assert text.endswith(RAM_VERILOG)
    assert text.count(f"module {RAM_MODULE} ") == 1


#: Names of what only a build with rings has. The bits of a command have their names everywhere.
_RINGS = re.compile(r"(?<![.\w])\\?(?:[\w.$]*\.)?(rings|plane|triple\w*|ring_\w+|plane_\w+|copy\d)(?![\w.])")
_FIELDS = {field.name for field in FIELDS}


def test_a_build_without_rings_has_nothing_of_them():
    """Neither a name, nor a memory and its parity, nor wider sums, nor a packet target; the feature's bit is 0."""
    with_rings = accelerator_verilog(config_for(16, **CONFIG, ring_words=64), all_names=True)
    text = accelerator_verilog(config_for(16, **CONFIG), all_names=True)
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
        pins = re.search(rf"^module {LANE_MODULE}\((.*?)\);", emitted, re.MULTILINE | re.DOTALL)[1]
        ports = {pin.strip() for pin in pins.split(",")}
        members = Lane(config).signature.flatten(Lane(config))
        assert ports == {"__".join(map(str, path)) for path, _, _ in members} | {"clk"}
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


def modules(text):
    return re.findall(r"^module \\?(\S+?)[\s(]", text, re.MULTILINE)


def test_two_builds_fit_into_one_design(text, renamed):
    """Every name of a module, and every instance of one, begins with the name of the top."""
    names = {TOP: modules(text), RENAMED: modules(renamed)}
    assert {name.replace(RENAMED, TOP, 1) for name in names[RENAMED]} == set(names[TOP])
    every = [name for found in names.values() for name in found]
    assert len(every) == len(set(every)) == 2 * len(names[TOP])
    assert all(name.startswith(top) for top, found in names.items() for name in found)
    assert all(name.startswith(SERIAL_TOP) for name in modules(serial_verilog(config_for(16, **CONFIG), 10)))


def test_a_renamed_build_is_the_same_but_for_the_names(text, renamed):
    assert not re.search(r"foldenite(?![ ,]|_ram$)", renamed.partition("\n")[2])
    assert renamed.replace(RENAMED, TOP) == text


@pytest.mark.parametrize("name", ["", "2nd", "a b", "a.b", "x" * 65, "a\n"])
def test_a_top_that_is_no_name_is_refused(name):
    with pytest.raises(Refused, match="must be a letter and up to 63 letters"):
        accelerator_verilog(config_for(16, **CONFIG), top=name)


def test_waivers_have_reasons():
    """Every line that allows something has a reason above it, and is about this file alone."""
    lines = waivers("mine").splitlines()
    assert lines[0] == "`verilator_config"
    for before, line in itertools.pairwise(lines):
        assert line.startswith(("// ", "lint_off -rule "))
        assert line.startswith("//") or ('-file "*mine.v"' in line and before != lines[0])


def test_first_line_names_the_configuration(text, large):
    for written, fields in ((text, CONFIG), (large, LARGE)):
        config = config_for(16, **fields)
        assert written.startswith(f"// Foldenite, configuration {config.hash:08x}: 16 PEs. Generated; do not edit.\n")


def test_a_failing_yosys_is_reported(monkeypatch):
    monkeypatch.setattr(verilog, "WRITER", "out.of.gates")
    with pytest.raises(RuntimeError, match=r"(?s)Yosys could not write the Verilog: .*No module named 'out'"):
        accelerator_verilog(config_for(16, **CONFIG))

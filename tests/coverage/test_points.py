"""What ``coverage.dat`` says, read and summed."""

from collections import Counter

import pytest

from spec.refusal import Refused
from tests.coverage.points import Point, merged, module_of, read, rows_of
from tests.coverage.rows import Row

HEAD = "# SystemC::Coverage-3\n"
VERILOG = "module x;\n  if (a) begin\n    b <= c;\n"


def record(file, times, *, line=2, kind="v_line", unit="foldenite.core", what="block", instance="testbench.dut.core"):
    fields = {"f": file, "l": line, "n": 5, "page": f"{kind}/{unit}", "o": what, "h": instance}
    return "C '" + "".join(f"\x01{name}\x02{value}" for name, value in fields.items()) + f"' {times}\n"


@pytest.fixture
def written(tmp_path):
    """``written(*options)``: path of a file with these records."""
    verilog = tmp_path / "foldenite.v"
    verilog.write_text(VERILOG)

    def write(*records):
        path = tmp_path / "coverage.dat"
        path.write_text(HEAD + "".join(record(verilog, **{"times": 0} | options) for options in records))
        return path

    return write


def test_a_point_is_where_it_is_and_what_it_says(written):
    points = read(written(
        {"times": 3, "kind": "v_branch", "what": "if"}, {"times": 0, "kind": "v_toggle", "what": "a[3]:0->1"},
    ))
    assert points == {
        Point("foldenite.core", "line", "2:5 if", "if (a) begin: if"): 3,
        Point("foldenite.core", "toggle", "2:5 a[3]:0->1", "a[3] 0->1"): 0,
    }


def test_names_are_those_of_the_verilog(written):
    """Verilator spells a second underscore and brackets in a name by their codes."""
    (point,) = read(written({"kind": "v_toggle", "what": "bus___05Faraddr__05b2__05d[1]:1->0"}))
    assert point.text == "bus__araddr[2][1] 1->0"


def test_instances_of_a_module_meet_its_points_together(written):
    points = read(written({"times": 2, "instance": "testbench.lane0"}, {"times": 5, "instance": "testbench.lane1"}))
    assert list(points.values()) == [7]


def test_the_bench_is_not_counted(written):
    assert not read(written({"times": 1, "unit": "testbench"}))


@pytest.mark.parametrize("text", ["", "# something\n", "C 'x' 1\n"])
def test_another_file_is_refused(text, tmp_path):
    (tmp_path / "coverage.dat").write_text(text)
    with pytest.raises(Refused, match=r"begins with .*, not '# SystemC::Coverage-3', so it is no coverage"):
        read(tmp_path / "coverage.dat")


@pytest.mark.parametrize("line", ["C 'x' many", "C '\x01page\x02v_line/foldenite\x01o\x02block' 1", "hello",
                                  "C '\x01page\x02v_fsm/foldenite\x01o\x02block' 1"])
def test_a_damaged_record_is_refused_with_its_line(line, tmp_path, written):
    path = written({})
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(Refused, match=r"^Line 3 of \S+coverage.dat is no point of coverage"):
        read(path)


@pytest.mark.parametrize(("unit", "module"), [
    ("foldenite", "top"), ("foldenite.core.engine", "core.engine"), ("foldenite_lane", "lane"),
    ("foldenite_lane.array.select3_11", "lane.array.select"), ("foldenite_lane.requantizers.requantizer2",
     "lane.requantizers.requantizer"), ("foldenite.core.engine.weights.signs$78", "core.engine.weights.signs"),
    ("foldenite.core.engine.weights.rings.copy0.cells", "core.engine.weights.rings.copy.cells"),
    ("foldenite_ram__Aa_D400_P1_W4", "ram"), ("foldenite_serial.bridge", "serial.bridge"),
    ("foldenite_serial", "serial"),
    ("foldenite_serial.core.engine", "core.engine"), ("foldenite_serial_lane.array", "lane.array"),
])
def test_copies_of_a_component_have_one_name(unit, module):
    assert module_of(unit) == module


def a_point(unit, kind="line", place="1:1"):
    return Point(unit, kind, place, f"text of {place}")


def test_runs_of_a_build_add_up():
    one, two = a_point("foldenite.core"), a_point("foldenite.core", place="2:1")
    assert merged([[Counter({one: 2, two: 0}), Counter({one: 3, two: 0})]]) == {one: 5, two: 0}


def test_a_module_counts_in_the_first_build_that_has_it():
    core, again, serial = a_point("foldenite.core"), a_point("foldenite.core", place="9:9"), a_point("foldenite_serial")
    found = merged([[Counter({core: 0})], [Counter({again: 4, serial: 0}), Counter({again: 0, serial: 1})]])
    assert found == {core: 0, serial: 1}


def test_copies_keep_points_of_their_own_in_the_row_of_their_component():
    points = {
        a_point("foldenite_lane.array.select0_0"): 1, a_point("foldenite_lane.array.select0_1"): 0,
        a_point("foldenite_lane.array.select0_0", "toggle"): 0, a_point("foldenite_lane"): 2,
    }
    assert rows_of(points, "line") == {"lane": Row(1, ()), "lane.array.select": Row(2, ("text of 1:1",))}
    assert rows_of(points, "toggle") == {"lane.array.select": Row(1, ("text of 1:1",))}

"""`python -m tests.coverage` on what was measured before: goals, waivers, the page, the exit code."""

import json

import pytest

from spec.refusal import Refused
from tests.coverage import __main__ as command

ROW = {"points": 20, "open": []}
KINDS = {
    "python": {"branch": {"spec/a.py": ROW, "spec/b.py": {"points": 20, "open": ["3 if x: -> 5 return"]}}},
    "simulations": {
        "line": {"core": ROW}, "toggle": {"core": {"points": 12, "open": ["<b> 0->1", "b 1->0"]}},
        "bins": {"networks": ROW},
    },
}
WAIVER = """[[waiver]]
kind = "toggle"
where = "core"
what = "<b>"
why = "Nothing can set it, as its name says."
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """``run(kinds, waivers, *options)``: exit code, what was printed, and the record."""
    def running(kinds, waivers, *options):
        for part, of_part in kinds.items():
            (tmp_path / f"{part}.json").write_text(json.dumps({"cpu_seconds": 12.4, "kinds": of_part}))
        (tmp_path / "waivers.toml").write_text(waivers)
        monkeypatch.setattr(command, "WAIVERS", tmp_path / "waivers.toml")
        code = command.main(["--kept", "--out", str(tmp_path), *options])
        return code, capsys.readouterr().out, json.loads((tmp_path / "coverage.json").read_text())

    return running


def test_goals_that_are_met(run, tmp_path):
    code, said, record = run(KINDS, WAIVER)
    assert code == 0
    assert (record["missed"], record["idle_waivers"]) == ([], [])
    assert record["cpu_seconds"] == {"python": 12, "simulations": 12}
    assert record["kinds"]["branch"] == {"spec": {
        "points": 40, "hit": 39, "waived": 0, "open": 1, "percent": 97.5, "measured_percent": 97.5,
    }}
    assert set(record["files"]) == {"spec/a.py", "spec/b.py"}
    assert record["impossible"]
    page = (tmp_path / "coverage.html").read_text()
    for text in ("<h1>Coverage</h1>", "b 1-&gt;0", "&lt;b&gt;", "as its name says", "3 if x: -&gt; 5 return"):
        assert text in page
    assert "Branches of the Python, by room (goal 95 %)" in said
    assert str(tmp_path / "coverage.html") in said


def test_a_goal_that_is_missed(run, tmp_path):
    code, said, record = run(KINDS, "")
    assert code == 1
    assert record["missed"] == ["Toggles of the Verilog, by module: core has 83.3 %, not 90"]
    assert record["missed"][0] in said
    assert '<p class="bad">Toggles of the Verilog' in (tmp_path / "coverage.html").read_text()


def test_a_waiver_of_nothing_fails(run):
    code, said, record = run(KINDS, WAIVER + WAIVER.replace("<b>", "count"))
    assert code == 1
    assert record["idle_waivers"] == ["toggle core: count"]
    assert "Waiver of nothing: toggle core: count" in said


def test_json_is_the_record(run):
    _, said, record = run(KINDS, WAIVER, "--json")
    assert json.loads(said) == record


def test_what_was_never_measured_is_refused(run):
    with pytest.raises(Refused, match=r"Nothing measured is kept in \S+simulations.json .*; leave out --kept"):
        run({"python": KINDS["python"]}, "")


def test_a_part_can_be_measured_alone(run, monkeypatch, tmp_path):
    rows = {"branch": {"gen/x.py": command.Row(4, ("1 -> 2",))}}
    monkeypatch.setattr(command, "_measure", lambda part, out: rows if part == "python" else pytest.fail(part))
    monkeypatch.setattr(command, "WAIVERS", tmp_path / "none.toml")
    (tmp_path / "none.toml").write_text("")
    assert command.main(["--only", "python", "--out", str(tmp_path)]) == 1
    record = json.loads((tmp_path / "coverage.json").read_text())
    assert record["missed"] == ["Branches of the Python, by room: gen has 75.0 %, not 95"]
    assert list(record["kinds"]) == ["branch"]
    assert json.loads((tmp_path / "python.json").read_text())["kinds"]["branch"]["gen/x.py"] == {
        "points": 4, "open": ["1 -> 2"]
    }

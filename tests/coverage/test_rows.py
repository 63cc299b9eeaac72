"""Goals, and reasons for what misses them."""

import pytest

from spec.refusal import Refused
from tests.coverage.__main__ import WAIVERS
from tests.coverage.rows import GOALS, Judged, Row, Waiver, judge, load, shown, total

ROWS = {"line": {"core.engine": Row(10, ("if (abort): if", "if (stop): else")), "lane": Row(4, ())}}


def a_waiver(**changes):
    return Waiver(**{"kind": "line", "where": "core.*", "what": "abort", "why": "because it is so"} | changes)


def test_what_has_a_reason_is_not_open():
    judged, idle = judge(ROWS, [a_waiver()])
    assert idle == []
    row = judged["line"]["core.engine"]
    assert row == Judged(10, 8, 1, ("if (stop): else",))
    assert (row.measured_percent, row.percent) == (80.0, pytest.approx(100 * 8 / 9))
    assert judged["line"]["lane"].percent == 100.0


@pytest.mark.parametrize("changes", [{"what": "nothing"}, {"where": "lane"}, {"where": "core"}, {"kind": "toggle"}])
def test_a_waiver_that_speaks_of_nothing_is_told(changes):
    waiver = a_waiver(**changes)
    judged, idle = judge(ROWS | {"toggle": {}}, [waiver, a_waiver(what="if|else")])
    assert idle == [waiver]
    assert judged["line"]["core.engine"].waived == 2


def test_a_waiver_of_what_was_not_measured_is_not_judged():
    _, idle = judge(ROWS, [a_waiver(kind="branch", where="spec/layer.py")])
    assert idle == []


def test_a_point_with_two_reasons_is_waived_once():
    judged, idle = judge(ROWS, [a_waiver(), a_waiver(what="if")])
    assert judged["line"]["core.engine"].waived == 2
    assert idle == []


def test_branches_are_judged_by_room():
    judged, _ = judge({"branch": {"spec/a.py": Row(4, ("x",)), "spec/b.py": Row(6, ()), "gen/a.py": Row(2, ())}}, [])
    assert {room: (row.points, row.hit) for room, row in shown(judged)["branch"].items()} == {
        "spec": (10, 9), "gen": (2, 2)
    }


def test_a_sum_has_the_points_of_all():
    assert total([Judged(3, 2, 1, ()), Judged(5, 4, 0, ("a",))]) == Judged(8, 6, 1, ("a",))
    assert total([]).percent == 100.0


@pytest.mark.parametrize(("text", "sentence"), [
    ("kind = 'line'", r"Waiver 1 of w.toml needs kind, where, what and why and nothing else; it has \['kind'\]"),
    ("kind = 'x'\nwhere = ''\nwhat = ''\nwhy = 'it is never so'", "has kind 'x'; the kinds are branch, line"),
    ("kind = 'line'\nwhere = ''\nwhat = ''\nwhy = 'unreachable'", "has no reason: 'unreachable'; say in a sentence"),
    ("kind = 'line'\nwhere = ''\nwhat = ''\nwhy = 'it is never so'\nwho = 'me'", "nothing else"),
])
def test_a_waiver_without_its_parts_is_refused(text, sentence, tmp_path):
    (tmp_path / "w.toml").write_text(f"[[waiver]]\n{text}\n")
    with pytest.raises(Refused, match=sentence):
        load(tmp_path / "w.toml")


def test_ours_are_whole():
    assert {waiver.kind for waiver in load(WAIVERS)} <= set(GOALS)

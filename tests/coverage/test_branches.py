"""Branches of the Python: figures of coverage.py as rows."""

from pathlib import Path

import pytest

from spec.refusal import Refused
from tests.coverage.branches import measure, rows_of
from tests.coverage.rows import Row

SOURCE = "def half(n):\n    if n % 2:\n        return None\n    return n // 2\n"


@pytest.fixture
def tree(tmp_path):
    """A tree with a room that has a function of two branches."""
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "__init__.py").write_text("")
    (tmp_path / "spec" / "half.py").write_text(SOURCE)
    (tmp_path / "pyproject.toml").write_text('[tool.coverage.run]\nbranch = true\nsource = ["spec"]\n')
    return tmp_path


def test_a_branch_that_no_test_takes_is_open(tree):
    (tree / "test_half.py").write_text("from spec.half import half\n\ndef test_it():\n    assert half(4) == 2\n")
    rows = measure(tree, tree / "out", ["test_half.py"])
    assert rows == {"spec/half.py": Row(2, ("2 if n % 2: -> 3 return None",))}


def test_failing_tests_are_refused(tree):
    (tree / "test_half.py").write_text("from spec.half import half\n\ndef test_it():\n    assert half(4) == 3\n")
    with pytest.raises(Refused, match=r"^Coverage run of the Python ended with 1 \(.*1 failed.*\); see \S+python.log"):
        measure(tree, tree / "out", ["test_half.py"])


def test_a_function_that_is_never_left_ends():
    report = {"files": {"spec/x.py": {"summary": {"num_branches": 2}, "missing_branches": [[3, -1]]}}}
    assert rows_of(report, Path("nowhere"))["spec/x.py"].open == ("3  -> the end",)


@pytest.mark.parametrize("report", [{}, {"files": {"a.py": {"summary": {}}}}, {"files": []}])
def test_a_report_without_branches_is_refused(report):
    with pytest.raises(Refused, match=r"The report of coverage.py has no branches \(.*\); run it with branch = true"):
        rows_of(report, Path("nowhere"))

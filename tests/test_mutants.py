"""The list of mutants: that each still applies. `make mutants` runs them."""

import pytest

from tests.mutants import ROOT, load, run_tests


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place(mutant):
    assert (ROOT / mutant.file).read_text().count(mutant.original) == 1
    assert mutant.mutated != mutant.original
    assert all((ROOT / word).exists() for word in mutant.tests if word.endswith(".py"))


def test_tests_that_never_end_are_stopped_by_the_time_they_compute(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    while True:\n        pass\n")
    code, said = run_tests(tmp_path, ["test_it.py"], cpu_s=1)
    assert code is None
    assert said.startswith("no verdict after 1 s of processor time")

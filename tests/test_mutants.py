"""The list of mutants: that each still applies. `make mutants` runs them."""

import pytest

from tests.mutants import ROOT, load


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place(mutant):
    assert (ROOT / mutant.file).read_text().count(mutant.original) == 1
    assert mutant.mutated != mutant.original
    assert all((ROOT / word).exists() for word in mutant.tests if word.endswith(".py"))

"""Wrong components: each still applies, and a proof refutes one."""

import dataclasses

import pytest

from formal.mutants import _ROOT, BROKEN, KILLED, SURVIVED, load, refute


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place(mutant):
    assert (_ROOT / mutant.file).read_text().count(mutant.original) == 1
    assert mutant.mutated != mutant.original


def test_what_is_wrong_is_killed_and_what_is_not_survives():
    mutant = next(mutant for mutant in load() if mutant.name == "held-word-lost")
    assert refute(mutant).outcome == KILLED
    same = dataclasses.replace(mutant, mutated=f"{mutant.original}  # the same")
    assert refute(same).outcome == SURVIVED


def test_a_mutant_that_does_not_apply_is_broken():
    mutant = dataclasses.replace(load()[0], original="nowhere")
    assert refute(mutant).outcome == BROKEN

"""Budgets: asked in integers that never wrap, about files before they are read."""

import os

import pytest

from spec.budgets import Budget, check_file, counted
from spec.refusal import Refused


@pytest.mark.parametrize("budget", Budget)
def test_as_many_as_allowed_and_one_more(budget):
    budget.check(budget.most, "It", "use fewer")
    with pytest.raises(Refused, match=rf"^It has .*, more than the {budget.most:,} allowed; use fewer$"):
        budget.check(budget.most + 1, "It", "use fewer")


@pytest.mark.parametrize("amount", [10**400, 1 << 70, float("inf"), 1e300])
def test_any_number_can_be_refused(amount):
    with pytest.raises(Refused):
        Budget.WEIGHTS.check(amount, "It", "use fewer")


@pytest.mark.parametrize(("amount", "text"), [
    (1234567, "1,234,567"), (10**400, "about 2**1328"), (-(1 << 65), "about -2**65"), (1.5, "1.5"), (1e300, "1e+300"),
])
def test_large_numbers_are_said_roughly(amount, text):
    assert counted(amount) == text


def test_every_budget_allows_something():
    assert all(budget.most >= 64 for budget in Budget)


def test_files_are_measured_before_they_are_read(tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(Budget.TOML.most + 1)  # Sparse: nothing is there to read.
    with pytest.raises(Refused, match=r"large has 262,145 bytes of text, more than the 262,144 allowed; cut it$"):
        check_file(path, Budget.TOML, "List", "cut it")
    assert check_file(path, Budget.TEXT, "List", "cut it") == Budget.TOML.most + 1


def test_what_is_no_regular_file_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, "/dev/zero"):
        with pytest.raises(Refused, match="is no regular file; get it again"):
            check_file(path, Budget.TEXT, "File", "get it again")
    with pytest.raises(Refused, match="does not exist; get it again"):
        check_file(tmp_path / "none", Budget.TEXT, "File", "get it again")

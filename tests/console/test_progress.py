"""Bars say what is done and what is left, on standard error."""

import io

import pytest
from rich.console import Console

from console.progress import progress_bars


@pytest.mark.parametrize(("counted", "shown"), [(True, True), (False, False)])
def test_bars_count_where_counting_means_something(counted, shown):
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with progress_bars(console, counted=counted) as progress:
        progress.update(progress.add_task("rows", total=8), completed=3)
    text = console.file.getvalue()
    assert "rows" in text
    assert ("3/8" in text) == shown


def test_bars_leave_standard_output_alone():
    assert progress_bars().console.stderr


def test_settings_reach_rich():
    assert progress_bars(disable=True).disable

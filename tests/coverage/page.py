"""``coverage.html``: the tables for people, one file that needs nothing else."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from console.pages.page import render
from tests.coverage.rows import Waiver

__all__ = ["page"]

_TEMPLATE = Path(__file__).with_name("coverage.html.j2")


def page(
    record: Mapping, open_points: Mapping[str, Mapping[str, Sequence[str]]], waivers: Sequence[Waiver],
    titles: Mapping[str, str],
) -> str:
    """The page made from ``coverage.json``, the points that are open (by kind and row), the reasons for others, and
    what each kind is called.
    """
    return render(_TEMPLATE, record=record, open_points=open_points, waivers=waivers, titles=titles)

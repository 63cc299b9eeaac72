"""``report.html``: the layer report for people, one file that needs nothing else.

Slow to import (matplotlib), so import it where a page is written.
"""

from pathlib import Path

from gen.pages import sections

__all__ = ["render"]

_TEMPLATE = Path(__file__).with_name("report.html.j2")


def render(report: dict, layers: dict) -> str:
    """The page made from ``report.json`` and ``layers.json``."""
    return sections.render(_TEMPLATE, report=report, **sections.layer_sections(layers, report["stall_probability"]))

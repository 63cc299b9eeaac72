"""Drawings as inline SVG: text stays text, ink takes the page's colour, marks have tooltips.

Every drawing is made for a width, because a page on a phone needs another one than a page on a desk.
"""

import html
import io
import re

import matplotlib
from matplotlib.figure import Figure

__all__ = ["INK", "NARROW", "WIDE", "Drawing", "standalone", "style"]

#: Widths in inches.
WIDE, NARROW = 10.5, 4.1

#: Stands for the page's own text colour until the SVG is written.
INK = "#010203"
_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "foldenite", "font.family": "sans-serif", "font.size": 8,
    "text.color": INK, "axes.edgecolor": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.spines.top": False, "axes.spines.right": False,
}


class Drawing:
    """A figure, and the tooltips of its marks."""

    def __init__(self, width: float, height: float, title: str):
        self.figure = Figure(figsize=(width, height), layout="constrained")
        self.title = title
        self._tips: list[str] = []

    def tip(self, artist, text: str) -> None:
        """Show ``text`` when the pointer rests on ``artist``."""
        artist.set_gid(f"tip{len(self._tips)}-")
        self._tips.append(text)

    def svg(self) -> str:
        """The figure as an ``<svg>`` element that fills the width it is given."""
        text = io.StringIO()
        self.figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        svg = text.getvalue()
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
        svg = svg.replace(INK, "currentColor")
        for number, tip in enumerate(self._tips):
            svg = svg.replace(f'<g id="tip{number}-">', f"<g><title>{html.escape(tip)}</title>")
        box = re.search(r'viewBox="[^"]*"', svg)[0]
        label = html.escape(self.title, quote=True)
        return re.sub(r"<svg[^>]*>", f'<svg {box} role="img" aria-label="{label}">', svg, count=1)


def style():
    """Context in which a drawing must be made."""
    return matplotlib.rc_context(_STYLE)


def standalone(svg: str) -> str:
    """A drawing's ``svg`` as a file of its own, dark on white, for where a page can only point to it."""
    head = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    return svg.replace("<svg ", f'{head}style="background:white;color:#222" ', 1)

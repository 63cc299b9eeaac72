"""A chart of accuracy against the logarithm of the degrees of freedom, as SVG text.

Ref: RPG (arXiv:2107.07110), Fig. 1d.
"""

import html
import math
from collections.abc import Mapping, Sequence

__all__ = ["chart"]

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 560, 360, 60, 20, 40, 50


def chart(
    points: Sequence[tuple[int, float]], line: Mapping[str, float], *, title: str, ceiling: float, whole: int
) -> str:
    """SVG with a dot per (DoF, accuracy) of ``points``, the fitted ``line`` up to half of the weights (``whole``), and
    the accuracy of the network without a ring (``ceiling``) as a dashed line.
    """
    decades = range(math.floor(math.log10(min(dof for dof, _ in points))), math.ceil(math.log10(whole)) + 1)
    values = [accuracy for _, accuracy in points] + [ceiling]
    low, high = math.floor(20 * min(values)) / 20, math.ceil(20 * max(values)) / 20
    high = max(high, low + 0.05)

    def x(dof: float) -> float:
        share = (math.log10(dof) - decades[0]) / (decades[-1] - decades[0])
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(accuracy: float) -> float:
        return round(_HEIGHT - _BOTTOM - (accuracy - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM), 1)

    def segment(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
        return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style}/>'

    def text(px: float, py: float, words: str, anchor: str = "middle") -> str:
        return f'<text x="{px}" y="{py}" text-anchor="{anchor}">{html.escape(words)}</text>'

    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    grid = 'stroke="#ddd"'
    parts = [text(_WIDTH / 2, _TOP / 2, title), text((_LEFT + right) / 2, _HEIGHT - 10, "degrees of freedom")]
    for decade in decades:
        px = x(10.0**decade)
        parts += [segment(px, _TOP, px, bottom, grid), text(px, bottom + 18, f"1e{decade}")]
    ticks = round((high - low) / 0.05)
    for tick in range(0, ticks + 1, max(1, ticks // 8)):
        value = low + 0.05 * tick
        parts += [segment(_LEFT, y(value), right, y(value), grid), text(_LEFT - 6, y(value) + 4, f"{value:.0%}", "end")]
    parts.append(segment(_LEFT, y(ceiling), right, y(ceiling), 'stroke="#888" stroke-dasharray="6 4"'))
    first, last = min(dof for dof, _ in points), whole / 2
    ends = [min(max(line["intercept"] + line["slope"] * math.log10(dof), low), high) for dof in (first, last)]
    parts.append(segment(x(first), y(ends[0]), x(last), y(ends[1]), 'stroke="#c33" stroke-width="2"'))
    parts += [f'<circle cx="{x(dof)}" cy="{y(accuracy)}" r="4" fill="#236"/>' for dof, accuracy in points]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
        f'font-size="12">\n<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )

"""A plot of few points or curves, as wide as a phone: two stand side by side on a desk."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

from console.pages.drawing import INK, NARROW, Drawing, standalone, style

__all__ = ["COLOURS", "Panel", "Series", "drawn", "mean_points"]

#: Legible on white, in the order that series take them.
COLOURS = ("#2a7fb8", "#d1495b", "#2a9d8f", "#e09f3e", "#a05de5", "#7a7a7a")

_HEIGHT = 3.1


@dataclass(frozen=True)
class Series:
    """Points (x, y, standard deviation or 0) that belong together; y in the units of its panel.

    Parameters
    ----------
    label : str
    points : sequence of (float, float, float)
    colour : int
        Number in :data:`COLOURS`.
    dots, line : bool
        What is drawn.
    hollow : bool
        As figures that a paper prints are.
    """

    label: str
    points: Sequence[tuple[float, float, float]]
    colour: int = 0
    dots: bool = True
    line: bool = True
    hollow: bool = False


@dataclass(frozen=True)
class Panel:
    """A plot; ``log`` names axes that are logarithmic, ``names`` are what y counts instead of a quantity."""

    title: str
    x: str
    y: str
    series: Sequence[Series]
    log: str = ""
    names: Sequence[str] = field(default=())


def mean_points(samples: Sequence[tuple[float, Sequence[float]]], scale: float = 1.0) -> list[tuple]:
    """``(x, mean, standard deviation)`` of every ``(x, values)``, times ``scale``; that of a single value is 0."""
    return [
        (x, scale * float(np.mean(values)), scale * float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)
        for x, values in samples
    ]


def drawn(panel: Panel) -> str:
    """The file of ``panel``: SVG in which every dot says what it is."""
    with style():
        drawing = Drawing(NARROW, _HEIGHT, panel.title)
        axes = drawing.figure.add_subplot()
        axes.set_title(panel.title, loc="left", fontsize=8.5)
        for series in panel.series:
            _draw(drawing, axes, series, panel)
        for letter, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if letter in panel.log:
                getattr(axes, f"set_{letter}scale")("log")
                axis.set_major_locator(LogLocator(subs=(1, 2, 5) if _narrow(axis.get_view_interval()) else (1,)))
                axis.set_major_formatter(EngFormatter(sep=""))
                axis.set_minor_formatter(NullFormatter())
        if "x" not in panel.log and not panel.names and _counted(panel.series):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if panel.names:
            axes.set_yticks(range(len(panel.names)), panel.names)
            axes.set_ylim(len(panel.names) - 0.5, -0.5)
        axes.set_xlabel(panel.x)
        axes.set_ylabel(panel.y)
        axes.grid(color=INK, alpha=0.12, linewidth=0.5)
        labels = [series.label for series in panel.series if series.label]
        if len(labels) > 1:
            drawing.figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=7, handlelength=1.8)
        return standalone(drawing.svg())


def _counted(series: Sequence[Series]) -> bool:
    """Whether x is whole in every point, as numbers of epochs or runs are."""
    return all(float(x).is_integer() for one in series for x, _, _ in one.points)


def _narrow(interval: Sequence[float]) -> bool:
    """Whether an axis has so few decades that powers of ten alone would not do."""
    return interval[1] / interval[0] < 300


def _draw(drawing: Drawing, axes: Axes, series: Series, panel: Panel) -> None:
    colour = COLOURS[series.colour]
    xs, ys, spreads = zip(*series.points, strict=True)
    look = {"color": colour, "label": series.label or None, "linewidth": 1.2}
    look |= {"linestyle": (":" if series.hollow else "-") if series.line else "none"}
    if series.dots:
        look |= {"marker": "o", "markersize": 4.5, "markerfacecolor": "white" if series.hollow else colour}
    axes.plot(xs, ys, **look)
    if not series.dots:
        return
    if any(spreads):
        along = {"xerr" if panel.names else "yerr": spreads}
        axes.errorbar(xs, ys, **along, fmt="none", ecolor=colour, elinewidth=0.8, capsize=2)
    for x, y, spread in series.points:
        mark, = axes.plot(x, y, "o", markersize=7, alpha=0)  # what the pointer finds
        value, at = (x, panel.names[int(y)]) if panel.names else (y, f"{x:,g}")
        deviation = f" ± {spread:.2f}" if spread else ""
        drawing.tip(mark, f"{series.label}, {at}: {value:,.2f}{deviation}")

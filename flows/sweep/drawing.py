"""The drawing of a sweep: images per second against LUTs, every point, and the front."""

from collections.abc import Sequence

from matplotlib.ticker import LogLocator, NullFormatter

from console.pages.drawing import INK, WIDE, Drawing, style
from flows.sweep.points import Point
from gen.pages.figures import MODE_COLOURS

__all__ = ["front"]

_LIMIT_COLOUR = "#d1495b"


def front(points: Sequence[Point], best: Sequence[Point], choice: Point | None, luts: int, width: float) -> str:
    """Every point in the colour of its mode: ``best`` large, on a line and with their PEs, ``choice`` among them in a
    ring; others small and pale, those that break a limit hollow.
    """
    with style():
        drawing = Drawing(width, 0.45 * width + 1.2, "Images per second against LUTs")
        axes = drawing.figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.step([p.resources["lut"] for p in best], [p.images_per_s for p in best], where="post", color=INK,
                  linewidth=0.8)
        for point in sorted(points, key=lambda p: p in best):  # the best on top
            _dot(drawing, axes, point, point in best)
        if choice:
            axes.plot(choice.resources["lut"], choice.images_per_s, "o", markersize=13, color="none",
                      markeredgecolor=INK, markeredgewidth=1.2)
        for number, point in enumerate(best):
            if number == 0 or point.config.pe != best[number - 1].config.pe:  # of several of a size the first
                # The first is near the axis, so its name goes below it.
                offset, side = ((-7, 5), "right") if number else ((0, -15), "center")
                axes.annotate(f"{point.config.pe} PEs", (point.resources["lut"], point.images_per_s), offset,
                              textcoords="offset points", ha=side, fontsize=7)
        axes.axvline(luts, color=_LIMIT_COLOUR, linewidth=1)
        axes.annotate("limit ", (luts, 0), xycoords=("data", "axes fraction"), xytext=(-2, 4), color=_LIMIT_COLOUR,
                      textcoords="offset points", ha="right", fontsize=7)
        axes.margins(x=0.1 if width < WIDE else 0.05, y=0.1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter("{x:,g}")
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("LUTs, estimated")
        axes.set_ylabel("images per second")
        axes.grid(color=INK, alpha=0.12, linewidth=0.5)
        return drawing.svg()


def _dot(drawing: Drawing, axes, point: Point, is_best: bool) -> None:
    colour = MODE_COLOURS.get(point.mode, INK)
    mark, = axes.plot(
        point.resources["lut"], point.images_per_s, "o", markersize=7 if is_best else 4, markeredgecolor=colour,
        color="none" if point.misses else colour, alpha=1 if is_best else 0.45,
    )
    config = point.config
    shape = f"{config.rows} rows x {config.groups} PEs x {config.lanes} lanes"
    reached = f"{point.images_per_s:,.0f} images/s, {point.resources['lut']:,} LUT"
    drawing.tip(mark, f"{config.pe} PEs, {shape}, {point.mode}: {reached}"
                      + (f"; too much: {', '.join(point.misses)}" if point.misses else ""))

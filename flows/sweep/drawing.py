"""The drawing of a sweep: images per second against LUTs, every point, and the front."""

from collections.abc import Sequence

from flows.sweep.points import Point
from gen.pages.drawing import INK, Drawing, style
from gen.pages.figures import MODE_COLOURS

__all__ = ["front"]


def front(points: Sequence[Point], best: Sequence[Point], luts: int, width: float) -> str:
    """Every point in the colour of its mode, those that break a limit hollow; a line through ``best``."""
    with style():
        drawing = Drawing(width, 0.45 * width + 1.2, "Images per second against LUTs")
        axes = drawing.figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        for point in points:
            colour = MODE_COLOURS.get(point.mode, INK)
            mark, = axes.plot(point.resources["lut"], point.images_per_s, "o", markersize=5, markeredgecolor=colour,
                              color="none" if point.misses else colour, alpha=0.9)
            shape = f"{point.config.rows} rows x {point.config.groups} PEs x {point.config.lanes}, {point.mode}"
            drawing.tip(mark, f"{shape}: {point.images_per_s:,.0f} images/s, {point.resources['lut']:,} LUT"
                              + (f"; too much: {', '.join(point.misses)}" if point.misses else ""))
        axes.step([p.resources["lut"] for p in best], [p.images_per_s for p in best], where="post", color=INK,
                  linewidth=0.8)
        axes.axvline(luts, color="#d1495b", linewidth=1)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,g}")
            axis.set_minor_formatter("{x:,g}")
        axes.set_xlabel("LUTs, estimated")
        axes.set_ylabel("images per second")
        axes.grid(color=INK, alpha=0.12, linewidth=0.5)
        return drawing.svg()

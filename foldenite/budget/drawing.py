"""The drawing of the study of budgets: accuracy against each cost, a colour for every mode, the fronts as steps."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from console.pages.drawing import INK, WIDE, Drawing, standalone, style
from foldenite.budget.variants import PE, front
from gen.pages.figures import MODE_COLOURS

__all__ = ["COSTS", "budgets"]

#: Costs that accuracy is drawn against, and what their axes say.
COSTS = {"bytes": "bytes on the chip", "cycles": f"cycles of an image, {PE} PEs"}


def budgets(rows: Sequence[Mapping], title: str) -> str:
    """A file with a panel for every one of :data:`COSTS`, of ``rows`` as the command has them."""
    with style():
        drawing = Drawing(WIDE, 3.8, title)
        panels = drawing.figure.subplots(1, 2, sharey=True)
        for axes, cost in zip(panels, COSTS, strict=True):
            _panel(drawing, axes, rows, cost)
        panels[0].set_title(title, loc="left", fontsize=9)
        for mode, colour in MODE_COLOURS.items():
            if any(row["mode"] == mode for row in rows):
                panels[0].plot([], [], "o", color=colour, label=mode)
        panels[0].legend(loc="lower right", frameon=False, handletextpad=0.1)
        return standalone(drawing.svg())


def _panel(drawing: Drawing, axes: Axes, rows: Sequence[Mapping], cost: str) -> None:
    best = front(rows, cost)
    axes.set_xscale("log")
    axes.step([row[cost] for row in best], [100 * row["accuracy"] for row in best], where="post", color=INK,
              linewidth=0.8)
    for row in rows:
        on_front = row in best
        mark, = axes.plot(row[cost], 100 * row["accuracy"], "o", markersize=7 if on_front else 4,
                          color=MODE_COLOURS[row["mode"]], alpha=1 if on_front else 0.55)
        drawing.tip(mark, f"{row['mode']}, width {row['width']}, {row['folds']} runs of a block: "
                          f"{row['accuracy']:.2%}, {row['bytes']:,} bytes, {row['cycles']:,} cycles")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(COSTS[cost])
    axes.set_ylabel("accuracy, %")
    axes.grid(color=INK, alpha=0.12, linewidth=0.5)

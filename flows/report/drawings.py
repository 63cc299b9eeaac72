"""Drawings of the report: accuracy against size, area and energy by part, a waveform."""

from collections.abc import Mapping, Sequence

from matplotlib.ticker import EngFormatter

from console.pages.drawing import INK, Drawing, style
from flows.report.points import Judged

__all__ = ["METHOD_COLOURS", "accuracy_by_size", "bars", "waveform"]

#: A colour for every method, legible on light and dark ground.
METHOD_COLOURS = {
    "dense": "#8d99ae", "folded": "#6a7fdb", "hidden": "#e09f3e", "hidden-fold": "#2a9d8f", "here": "#d1495b",
}
_MARKERS = "os^Dv<>P"
_BAR_INCHES = 0.24


def accuracy_by_size(points: Sequence[Judged], width: float) -> str:
    """Accuracy (percent) over bytes of the model, logarithmic; colours are methods, markers are data sets."""
    with style():
        drawing = Drawing(width, 0.36 * width + 1.6, "Accuracy against the size of the model")
        axes = drawing.figure.add_subplot()
        axes.set_xscale("log")
        datasets = list(dict.fromkeys(point.dataset for point in points))
        for point in points:
            marker = _MARKERS[datasets.index(point.dataset) % len(_MARKERS)]
            mark, = axes.plot(point.bytes, point.accuracy, marker, color=METHOD_COLOURS[point.method], markersize=7,
                              markeredgecolor=INK, markeredgewidth=0.5)
            drawing.tip(mark, f"{point.name}, {point.dataset}: {point.accuracy:.2f} % in {point.bytes:,} bytes "
                              f"({point.source})")
        for number, dataset in enumerate(datasets):
            axes.plot([], [], _MARKERS[number % len(_MARKERS)], color="none", markeredgecolor=INK, label=dataset)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(datasets), frameon=False, handletextpad=0.1,
                    columnspacing=1, borderaxespad=0)  # above, because points may be anywhere
        axes.xaxis.set_major_formatter(EngFormatter("B"))
        axes.set_xlabel("size of the model")
        axes.set_ylabel("accuracy, %")
        axes.grid(color=INK, alpha=0.12, linewidth=0.5)
        return drawing.svg()


def bars(parts: Mapping[str, float], unit: str, colour: str, width: float) -> str:
    """One bar per part, the largest first."""
    ordered = sorted(parts.items(), key=lambda part: -part[1])
    total = sum(parts.values()) or 1
    with style():
        drawing = Drawing(width, 0.5 + _BAR_INCHES * len(ordered), f"{unit} by part")
        axes = drawing.figure.add_subplot()
        axes.set_yticks(range(len(ordered)), [name for name, _ in ordered])
        axes.set_ylim(len(ordered) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        for row, (name, value) in enumerate(ordered):
            bar, = axes.barh(row, value, color=colour, height=0.72)
            drawing.tip(bar, f"{name}: {value:,.6g} {unit} ({100 * value / total:.1f} %)")
            axes.text(value + 0.01 * ordered[0][1], row, f"{value:,.4g}", va="center", fontsize=7)
        axes.set_xlim(0, 1.15 * ordered[0][1])
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.set_xlabel(unit)
        return drawing.svg()


def waveform(waves: dict, width: float) -> str:
    """Signals over clock cycles: lines for single bits, boxes with values for buses.

    ``waves`` has ``first_cycle`` and ``signals``, each with ``name``, ``width`` in bits and ``values``, one per cycle
    (None where unknown).
    """
    signals = waves["signals"]
    count = len(signals[0]["values"])
    with style():
        drawing = Drawing(width, 0.4 + 0.3 * len(signals), "Signals of the accelerator, cycle by cycle")
        axes = drawing.figure.add_subplot()
        axes.set_yticks(range(len(signals)), [signal["name"] for signal in signals])
        axes.set_ylim(len(signals) - 0.5, -0.5)
        axes.set_xlim(0, count)
        axes.tick_params(axis="y", length=0)
        for row, signal in enumerate(signals):
            for start, end, value in _runs(signal["values"]):
                if signal["width"] == 1:
                    axes.plot([start, end], [row + 0.3 - 0.6 * (value or 0)] * 2, color="#2a9d8f", linewidth=1.2)
                    if end < count:
                        axes.plot([end, end], [row - 0.3, row + 0.3], color="#2a9d8f", linewidth=1.2)
                    continue
                box, = axes.barh(row, end - start, left=start, height=0.62, color="#3aa5d1", alpha=0.35,
                                 edgecolor=INK, linewidth=0.4)
                drawing.tip(box, f"{signal['name']} = {value} in cycles {start} to {end - 1}")
                if (end - start) * width / count > 0.075 * len(str(value)):
                    axes.text((start + end) / 2, row, str(value), va="center", ha="center", fontsize=6)
        axes.set_xlabel(f"clock cycles from cycle {waves['first_cycle']:,} of the inference")
        return drawing.svg()


def _runs(values: Sequence) -> list[tuple[int, int, object]]:
    """Where a signal keeps a value: first cycle, the cycle after the last, the value."""
    starts = [0, *(i for i in range(1, len(values)) if values[i] != values[i - 1])]
    return [(a, b, values[a]) for a, b in zip(starts, [*starts[1:], len(values)], strict=True)]

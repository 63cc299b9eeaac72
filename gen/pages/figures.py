"""Drawings of layers: their cycles, utilization and roofline."""

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes

from console.pages.drawing import INK, WIDE, Drawing, style
from spec.ring import PLANES_MAX

__all__ = ["CAUSE_COLOURS", "MODE_COLOURS", "cycles_by_cause", "roofline", "utilization"]

#: A colour for every cause, legible on light and dark ground.
CAUSE_COLOURS = {
    "array": "#2a9d8f", "weight_load": "#e09f3e", "mask_wait": "#d1495b", "drain": "#8d99ae", "requantize": "#6a7fdb",
    "pool": "#a05de5", "host": "#3aa5d1", "sequencer": "#7a7a7a",
}
#: A colour for every mask mode, and one for rings of any number of planes.
MODE_COLOURS = {"any": "#3aa5d1", "2of4": "#e09f3e", "1of4": "#2a9d8f", "max1of4": "#6a7fdb"} | {
    f"ring{planes}": "#d1495b" for planes in range(1, PLANES_MAX + 1)
}

_ROW_INCHES = 0.19


def _name(record: dict) -> str:
    return f"{record['label']} · {record['iteration']}" if record["iterations"] > 1 else record["label"]


def _cycles(record: dict) -> tuple[int, dict[str, int]]:
    """Cycles and causes: as measured, where they were. Causes that nobody counts are as predicted."""
    if record["cycles_measured"] is None:
        return record["cycles_predicted"], record["causes_cycles_predicted"]
    return record["cycles_measured"], record["causes_cycles_measured"] or record["causes_cycles_predicted"]


def _rows(drawing: Drawing, records: Sequence[dict]) -> Axes:
    """Axes with one row per record from the top, folded blocks shaded, a line between their iterations."""
    axes = drawing.figure.add_subplot()
    axes.set_yticks(range(len(records)), [_name(record) for record in records])
    axes.set_ylim(len(records) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    for row, record in enumerate(records):
        if record["iterations"] > 1:
            shade = axes.axhspan(row - 0.5, row + 0.5, xmin=-1, color="#8888ff", alpha=0.16, linewidth=0, clip_on=False)
            shade.set_in_layout(False)  # it reaches under the names, to the page's edge
            before = records[row - 1]
            if before["iterations"] > 1 and before["iteration"] != record["iteration"]:
                axes.axhline(row - 0.5, color=INK, linewidth=0.5, alpha=0.5)
    return axes


def cycles_by_cause(records: Sequence[dict], width: float) -> str:
    """One bar per command and iteration: its cycles, by cause."""
    with style():
        drawing = Drawing(width, 0.7 + _ROW_INCHES * len(records), "Cycles of every layer and iteration, by cause")
        axes = _rows(drawing, records)
        for row, record in enumerate(records):
            total, causes = _cycles(record)
            left = 0
            for cause, colour in CAUSE_COLOURS.items():
                if causes[cause]:
                    bar, = axes.barh(row, causes[cause], left=left, color=colour, height=0.72)
                    share = f"{causes[cause]:,} of {total:,} cycles ({100 * causes[cause] / total:.1f} %)"
                    drawing.tip(bar, f"{_name(record)}: {cause.replace('_', ' ')} {share}")
                    left += causes[cause]
        axes.set_xlabel("clock cycles")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4 if width < WIDE else 8))
        axes.grid(axis="x", color=INK, alpha=0.15, linewidth=0.5)
        return drawing.svg()


def utilization(records: Sequence[dict], width: float) -> str:
    """One bar per command with weights: its dense-equivalent MAC as a share of what its mode allows."""
    with style():
        drawing = Drawing(width, 0.7 + _ROW_INCHES * len(records), "Utilization of every layer and iteration")
        axes = _rows(drawing, records)
        for row, record in enumerate(records):
            share = record["utilization_percent_of_mode_peak"]
            bar, = axes.barh(row, share, color=MODE_COLOURS[record["mode"]], height=0.72)
            rate = f"{record['dense_equivalent_macs_per_pe_and_cycle']:.3f} MAC per PE and cycle"
            drawing.tip(bar, f"{_name(record)} ({record['mode']}): {share:.1f} % of the peak, {rate}")
            axes.text(share + 1, row, f"{share:.1f}", va="center", fontsize=6.5)
        axes.set_xlim(0, 112)
        axes.set_xticks(range(0, 101, 25))
        axes.set_xlabel("% of the peak of the layer's mask mode")
        axes.grid(axis="x", color=INK, alpha=0.15, linewidth=0.5)
        return drawing.svg()


def roofline(records: Sequence[dict], roofs: dict[str, dict[str, float]], pe: int, width: float) -> str:
    """Dense-equivalent MAC per cycle against MAC per mask bit fetched, under the roofs of every mode there is."""
    with style():
        drawing = Drawing(width, 0.34 * width + 1.5, "Roofline: rate of every layer against the use of its mask bits")
        axes = drawing.figure.add_subplot()
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        ridges = [roof["peak_macs_per_cycle"] / roof["mask_port_bits_per_cycle"] for roof in roofs.values()]
        intensities = [record["macs_per_mask_bit"] for record in records]
        low, high = min(*intensities, *ridges) / 2, max(*intensities, *ridges) * 2
        for mode, roof in roofs.items():
            peak, port = roof["peak_macs_per_cycle"], roof["mask_port_bits_per_cycle"]
            corners = [low, peak / port, high], [low * port, peak, peak]
            line, = axes.plot(*corners, color=MODE_COLOURS[mode], linewidth=1.5)
            drawing.tip(line, f"{mode}: at most {peak:,.0f} MAC a cycle, and {port} mask bits a cycle")
        slowest = min(record["dense_equivalent_macs_per_pe_and_cycle"] for record in records) * pe
        for record in records:
            rate = record["dense_equivalent_macs_per_pe_and_cycle"] * pe
            mark, = axes.plot(
                record["macs_per_mask_bit"], rate, "o", markersize=6, color=MODE_COLOURS[record["mode"]],
                markeredgecolor=INK, markeredgewidth=0.6, alpha=0.8,
            )
            drawing.tip(mark, f"{_name(record)}: {rate:,.1f} MAC/cycle at {record['macs_per_mask_bit']:,.2f} MAC/bit")
        peaks = [roof["peak_macs_per_cycle"] for roof in roofs.values()]
        axes.set_xlim(low, high)
        axes.set_ylim(slowest / 1.6, max(peaks) * 1.6)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,g}")
        axes.set_xlabel("dense-equivalent MAC per mask bit fetched")
        axes.set_ylabel("dense-equivalent MAC per cycle")
        axes.grid(color=INK, alpha=0.12, linewidth=0.5)
        return drawing.svg()

"""The report as one HTML page that needs nothing else.

Slow to import (matplotlib), so import it where a page is written.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from console.pages.page import both_widths
from flows.report import drawings
from flows.report.folder import Results
from flows.report.points import Judged
from flows.tools.targets import NAMES
from gen.pages.sections import layer_sections, render
from spec.config import AcceleratorConfig

__all__ = ["page"]

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_AREA_COLOUR, _ENERGY_COLOUR = "#6a7fdb", "#e09f3e"

#: Blocks of the diagram by components of flows.synth, the longest prefix counts; what is not here steers the others.
_BLOCK_OF = {
    "host": "host", "store": "host", "pins": "host",
    "weights": "expander", "weights.masks": "masks", "weights.walk": "masks", "weights.chunks": "masks",
    "weights.rings": "masks", "weights.signs": "signs",
    "lane": "array", "lane.accumulator": "psum", "lane.requantizers": "requantizer", "lane.pool": "requantizer",
    "pool": "requantizer", "results": "entries", "lane.x": "x", "lane.t": "t",
}
_STEERING = "sequencer"


def page(results: Results, points: Sequence[Judged]) -> str:
    """The page that shows ``results``, with ``points`` in its drawing of accuracy against size."""
    layers, simulation = results.layers, results.simulation
    return render(
        _TEMPLATE, config=results.config, model=results.model, cards=_cards(results), blocks=_blocks(results),
        accuracy=both_widths(drawings.accuracy_by_size, points), methods=_methods(points),
        single=sum(point.method == "here" for point in points) == 1,
        synthesis=_synthesis(results.synthesis), energy=_energy(results.energy), waves=_waves(results.waves),
        **layer_sections(layers, simulation["stall_probability"] if simulation else 0.0),
    )


def _methods(points: Sequence[Judged]) -> dict[str, str]:
    used = {point.method for point in points}
    return {method: colour for method, colour in drawings.METHOD_COLOURS.items() if method in used}


def _cards(results: Results) -> list[tuple[str, str]]:
    totals, facts = results.layers["totals"], results.model.provenance
    measured = totals["cycles_measured"]
    took = (measured or totals["cycles_predicted"]) / results.config.lanes
    cards = [(f"{took:,.0f}", f"cycles per image, {'measured' if measured else 'predicted'}")]
    route = (results.synthesis or {}).get("route")
    if route:
        mhz = route["fmax_mhz"]
        cards += [(f"{mhz:.0f} MHz", f"routed on {results.synthesis['part']}"),
                  (f"{1e6 * mhz / took:,.0f}", "images per second at that clock")]
    cards += [
        (f"{totals['dense_equivalent_macs_per_pe_and_cycle']:.3f}", "dense-equivalent MAC per PE and cycle"),
        (f"{totals['utilization_percent_of_mode_peak']:.1f} %", "of the peak that the mask modes allow"),
    ]
    if "deployed_accuracy" in facts:
        accuracy, images = facts["deployed_accuracy"], facts["held_out_images"]
        cards.append((f"{100 * accuracy:.2f} %", f"accuracy on {images:,} held-out images"))
    cards.append((f"{results.model.stored_bytes / 1000:,.1f} kB", "masks, rings and batch norms of the model"))
    if results.simulation:
        compared = results.simulation["values_compared"]
        cards.append((f"{results.simulation['mismatches']}", f"mismatches in {compared:,} values of the Verilog"))
    if results.energy:
        cards.append((f"{results.energy['total_uj_per_image']:,.3g} µJ", "per image, an estimate"))
    return cards


def _blocks(results: Results) -> dict[str, list[str]]:
    """Facts on every block of the diagram."""
    config, use, totals = results.config, results.layers["memory_use"], results.layers["totals"]

    def memory(name: str) -> list[str]:
        return [f"{use[name]['used_bytes']:,} of", f"{use[name]['available_bytes']:,} bytes"]

    area = _area(results.synthesis)
    facts = {
        "host": ["AXI4-Lite registers", "AXI4-Stream, 32 bits", "interrupt"],
        "sequencer": [*memory("program"), "of program"],
        "masks": [*memory("mask"), *(["and rings"] if config.ring_words else [])],
        "signs": [f"an LFSR for each of {config.rows} rows", f"rows a cycle: {config.weight_rows}"],
        "expander": [f"{config.groups} x {config.weight_rows} weights a cycle", "select, negate, valid"],
        "array": _array(config, totals["utilization_percent_of_mode_peak"]),
        "psum": [f"{config.psum_depth} pixels x {config.rows} rows", f"of {config.widths.acc} bits"],
        "requantizer": [f"{config.requantizers} for {config.rows} channels", "scale, bias, residual"],
        "entries": memory("entries"),
        "x": [*memory("x"), f"in words of {config.word_bytes}"],
        "t": [*memory("t"), f"in words of {config.word_bytes}"],
    }
    return {name: [*lines, *area.get(name, [])] for name, lines in facts.items()}


def _area(record: dict | None) -> dict[str, list[str]]:
    """LUTs, and block RAMs if there are any, of every block of the diagram; nothing without a synthesis."""
    blocks = defaultdict(Counter)
    for component, counts in (record["synthesis"]["components"] if record else {}).items():
        prefixes = [prefix for prefix in _BLOCK_OF if f"{component}.".startswith(f"{prefix}.")]
        blocks[_BLOCK_OF[max(prefixes, key=len)] if prefixes else _STEERING].update(counts)
    return {
        name: [f"{counts['lut']:,} LUT" + (f", {counts['bram']:,} block RAM" if counts["bram"] else "")]
        for name, counts in blocks.items()
    }


def _array(config: AcceleratorConfig, utilization: float) -> list[str]:
    lanes = f", {config.lanes} lanes" if config.lanes > 1 else ""
    return [
        f"{config.rows} rows x {config.groups} PEs{lanes}", f"a word of {config.word_bytes} channels a cycle",
        f"{utilization:.1f} % of its peak",
    ]


def _synthesis(record: dict | None) -> dict | None:
    if record is None:
        return None
    synthesis, route = record["synthesis"], record["route"]
    luts = {name: counts["lut"] for name, counts in synthesis["components"].items() if counts["lut"]}
    speed = f"; {route['fmax_mhz']:.1f} MHz, {route['tool']} {route['version']}, seed {route['seed']}" if route else ""
    total = ", ".join(
        f"{part['used']:,} of {part['of']:,} {NAMES.get(name, name)}" for name, part in synthesis["resources"].items()
    )
    return {
        "line": f"{record['part']}: {total}; {synthesis['lut_per_pe']:.1f} LUT per PE; {synthesis['tool']} "
                f"{synthesis['version']}, {synthesis['stage']}{speed}",
        "counted": synthesis["counted"], "routed": route is not None,
        "luts": both_widths(drawings.bars, luts, "LUT", _AREA_COLOUR),
    }


def _energy(record: dict | None) -> dict | None:
    if record is None:
        return None
    split = both_widths(drawings.bars, record["split_uj_per_image"], "µJ per image", _ENERGY_COLOUR)
    return {"caveat": record["caveat"], "split": split}


def _waves(record: dict | None) -> dict | None:
    return record and {"text": record["text"], "drawing": both_widths(drawings.waveform, record)}

"""The tables of what was simulated, measured and synthesized."""

from collections.abc import Sequence

from flows.tables.markdown import table
from spec.config import AcceleratorConfig

__all__ = ["bench", "latency", "networks", "ratios", "synth", "with_run"]


def networks(data: dict, *, trained: bool) -> str:
    """Rows of ``sim.networks``."""
    rows = [
        (
            row["network"], f"`{row['mode']}`", str(row["pe"]), f"{row['cycles_per_image_measured']:,.0f}",
            f"{row['dense_equivalent_macs_per_pe_and_cycle']:.3f}", f"{row['values_compared']:,}",
            str(row["mismatches"]), f"{row['simulated_cycles_per_s'] / 1e3:,.0f} k",
        )
        for row in data["rows"] if row["trained"] is trained
    ]
    headers = ("network", "weights", "PEs", "cycles per image, measured = predicted",
               "dense-equivalent MAC / PE / cycle", "values compared", "wrong", "simulated cycles/s")
    return table(dict(zip(headers, "llrrrrrr", strict=True)), rows)


def latency(data: dict) -> str:
    """Rows of ``flows.bench latency``, at 500 MHz."""
    rows = [
        (
            row["network"], f"`{row['mode']}`", build["build"], f"{build['latency_cycles']:,}",
            f"{build['latency_cycles'] / 500_000:.3f}", f"{500 * build['images_per_megacycle']:,.0f}",
        )
        for row in data["rows"] for build in row["builds"]
    ]
    headers = ("network", "weights", "PEs x lanes", "cycles", "latency, ms", "images/s")
    return table(dict(zip(headers, "lllrrr", strict=True)), rows)


def bench(data: dict) -> str:
    """Rows of ``flows.bench cycles``."""
    rows = [
        (
            str(row["pe"]), f"`{row['mode']}`", f"{row['cycles_measured']:,.0f}",
            f"{row['measured_over_predicted']:.6f}", f"{100 * row['block_layer_utilization']:.1f}",
            f"{row['dense_equivalent_macs_per_pe_and_cycle']:.3f}", f"{row['simulated_cycles_per_s'] / 1e3:,.0f} k",
        )
        for row in data["cycles"]["rows"]
    ]
    headers = ("PEs", "mask", "cycles per image", "measured / model", "% of peak", "MAC / PE / cycle",
               "simulated cycles/s")
    return table(dict(zip(headers, "rlrrrrr", strict=True)), rows)


def ratios(data: dict) -> str:
    """What ``flows.bench`` measures, a figure a row."""
    cycles, sizes = data["cycles"]["rows"], data["cycles"]["sizes"]
    worst = max(cycles, key=lambda row: abs(row["measured_over_predicted"] - 1))
    slow, fast = (pick(row["simulated_cycles_per_s"] for row in cycles) / 1e3 for pick in (min, max))
    rows = [
        ("cycles measured / predicted, the worst", f"digits, {len(cycles)} runs",
         f"{worst['measured_over_predicted']:.6f}"),
        ("simulated cycles per second", "the same runs", f"{slow:,.0f} k to {fast:,.0f} k"),
    ]
    rows += [
        ("bytes over the pins with fetched int8 weights / with hidden ones",
         f"digits, `{row['mode']}`, {row['pe']} PEs", f"{row['pin_bytes_saved_ratio']:.0f}")
        for row in cycles if row["mode"] == "any"
    ]
    rows += [
        ("int8 weights / masks and batch norms, in bytes (unfolded weights)", f"digits, `{row['mode']}`",
         f"{row['dense_int8_over_stored']:.2f} ({row['unfolded_int8_over_stored']:.2f})")
        for row in sizes if row["mode"] in ("any", "1of4")  # the others store as much as any
    ]
    rows += [
        (f"training step / dense step, `{row['variant']}`", result["subject"], f"{row['over_dense']:.2f}")
        for result in data["training"]["results"] for row in result["variants"] if row["variant"] in ("any", "sort")
    ]
    rows += [
        ("sign bits made per cycle and LUT",
         f"{row['pe']} PEs, {row['target']}: {row['sign_bits_per_cycle']} bits, {row['luts']:,} LUTs",
         f"{row['sign_bits_per_cycle_and_lut']:.4f}")
        for row in data["signs"]["rows"]
    ]
    rows += [
        ("Verilog, and seconds to make it", f"{row['pe']} PEs",
         f"{row['lines']:,} lines, {row['bytes'] / 1e3:,.0f} kB, {row['seconds']:.1f} s")
        for row in data["verilog"]["rows"]
    ]
    return table({"figure": "l", "of": "l", "measured": "r"}, rows)


def with_run(runs: Sequence[dict], record: dict) -> list[dict]:
    """``runs`` of ``flows.synth`` with ``record`` instead of the one of its build and target; by target and size."""
    def build(run: dict) -> tuple:
        return run["target"], AcceleratorConfig.from_json(run["config"])

    _synth_row(record)
    others = [run for run in runs if build(run) != build(record)]
    return sorted([*others, record], key=lambda run: (run["target"], run["pe"], str(run["config"])))


def synth(data: dict) -> str:
    """Runs of ``flows.synth``."""
    headers = ("target", "PEs", "rows x groups x lanes", "memories, KiB", "LUT", "FF", "block RAM", "DSP", "LUT per PE",
               "MHz", "by")
    return table(dict(zip(headers, "lrrrrrrrrrl", strict=True)), [_synth_row(run) for run in data["runs"]])


def _synth_row(run: dict) -> tuple[str, ...]:
    config, synthesis, route = AcceleratorConfig.from_json(run["config"]), run["synthesis"], run["route"]
    tools = [f"{synthesis['tool']} {synthesis['version']}"]
    speed = "synthesis only" if run["fits"] else "does not fit"
    if route:
        speed = f"{route['fmax_mhz']:.1f}"
        tools.append(f"{route['tool']} {route['version']}, seed {route['seed']}, {route['stage']}")
    return (
        run["target"], str(config.pe), f"{config.rows} x {config.groups} x {config.lanes}",
        f"{sum(config.memory_bits.values()) / 8192:,.0f}",
        *(f"{synthesis['resources'][name]['used']:,}" for name in ("lut", "ff", "bram", "dsp")),
        f"{synthesis['lut_per_pe']:.1f}", speed, "; ".join(tools),
    )

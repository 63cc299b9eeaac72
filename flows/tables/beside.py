"""The tables that show ours beside what others publish or make."""

from collections.abc import Mapping, Sequence

from flows.tables.markdown import table

__all__ = ["cifar10", "nngen"]


def cifar10(data: dict) -> str:
    """Rows of ``flows.bench cifar10``: ours, then the published ones; empty where nothing is published."""
    figures = {
        "top-1, %": ("top1", ".2f"), "images/s": ("images_per_s", ",.0f"), "LUT": ("lut", ","), "FF": ("ff", ","),
        "block RAM": ("bram", ","), "DSP": ("dsp", ","), "MHz": ("mhz", ".1f"),
        "MAC / cycle / LUT": ("mac_per_cycle_per_lut", ".4f"), "µJ per image": ("uj_per_image", ",.1f"),
    }
    headers = {"": "l", "data set": "l"} | dict.fromkeys(figures, "r") | {"source": "l"}
    rows = [
        (f"{row['system']}, {row['part']}", row["data"], *_cells(row, figures), row["source"])
        for row in data["rows"] + data["others"]
    ]
    return table(headers, rows)


def nngen(data: dict) -> str:
    """Rows of ``flows.bench nngen``; empty where it did not end."""
    figures = {
        "cycles": ("cycles", ","), "MAC / cycle": ("mac_per_cycle", ".2f"), "LUT": ("lut", ","), "FF": ("ff", ","),
        "block RAM": ("bram", ","), "DSP": ("dsp", ","), "MAC / cycle / LUT": ("mac_per_cycle_per_lut", ".5f"),
    }
    headers = {"": "l"} | dict.fromkeys(figures, "r") | {"cycles by": "l"}
    return table(headers, [(row["design"], *_cells(row, figures), row["note"]) for row in data["rows"]])


def _cells(row: dict, figures: Mapping[str, tuple[str, str]]) -> Sequence[str]:
    return ["" if row[name] is None else format(row[name], how) for name, how in figures.values()]

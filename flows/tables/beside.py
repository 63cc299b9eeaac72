"""The tables that show ours beside what others publish or make."""

from collections.abc import Callable, Mapping, Sequence

from flows.bench.cifar10 import rate
from flows.tables.markdown import table

__all__ = ["cifar10", "nngen"]


_WHOLE = "{:,}".format


def cifar10(data: dict) -> str:
    """Rows of ``flows.bench cifar10``: ours, then the published ones; empty where nothing is published."""
    figures = {
        "top-1, %": ("top1", "{:.2f}".format), "images/s": ("images_per_s", rate), "LUT": ("lut", _WHOLE),
        "FF": ("ff", _WHOLE), "block RAM": ("bram", _WHOLE), "DSP": ("dsp", _WHOLE), "MHz": ("mhz", "{:.1f}".format),
        "MAC / cycle / LUT": ("mac_per_cycle_per_lut", "{:.4f}".format),
        "µJ per image": ("uj_per_image", "{:,.1f}".format),
    }
    headers = {"": "l", "data set": "l"} | dict.fromkeys(figures, "r") | {"source": "l"}
    rows = [
        (f"{row['system']}, {row['part'].partition(',')[0]}", row["data"], *_cells(row, figures), row["source"])
        for row in data["rows"] + data["others"]
    ]
    return table(headers, rows)


def nngen(data: dict) -> str:
    """Rows of ``flows.bench nngen``; empty where it did not end."""
    figures = {
        "cycles": ("cycles", _WHOLE), "MAC / cycle": ("mac_per_cycle", "{:.2f}".format), "LUT": ("lut", _WHOLE),
        "FF": ("ff", _WHOLE), "block RAM": ("bram", _WHOLE), "DSP": ("dsp", _WHOLE),
        "MAC / cycle / LUT": ("mac_per_cycle_per_lut", "{:.5f}".format),
    }
    headers = {"": "l"} | dict.fromkeys(figures, "r") | {"cycles by": "l"}
    return table(headers, [(row["design"], *_cells(row, figures), row["note"]) for row in data["rows"]])


def _cells(row: dict, figures: Mapping[str, tuple[str, Callable]]) -> Sequence[str]:
    return ["" if row[name] is None else text(row[name]) for name, text in figures.values()]

"""The tables of what builds would take in silicon."""

from collections.abc import Sequence

from flows.asic.chips import published
from flows.tables.markdown import table

__all__ = ["asic", "energy", "with_build"]

_KEPT = ("model", "model_sha256", "pe", "config", "node_nm", "clock_ns", "library", "logic_um2", "memory_um2")
_KEPT_OF_ENERGY = ("total_uj_per_image", "split_uj_per_image", "tops_per_w_dense_equivalent", "tops_per_w_useful")


def with_build(builds: Sequence[dict], record: dict) -> list[dict]:
    """``builds`` with what the tables show of an ``asic.json`` instead of the one of the same model on as many PEs."""
    row = {key: record[key] for key in _KEPT} | {key: record["energy"][key] for key in _KEPT_OF_ENERGY}
    rows = {(build["model"], build["pe"]): build for build in [*builds, row]}
    return [rows[key] for key in sorted(rows)]


def asic(data: dict) -> str:
    """Estimates of ``flows.asic`` beside published chips."""
    rows = [
        (
            f"**estimate**: `{row['model']}`, {row['pe']} PEs", f"{row['node_nm']:g} nm",
            f"{row['tops_per_w_dense_equivalent']:.2f}", f"{row['tops_per_w_useful']:.2f}",
            f"{row['total_uj_per_image']:.2f}", f"{row['logic_um2'] / 1e6:.3f} + {row['memory_um2'] / 1e6:.3f}",
        )
        for row in data["builds"]
    ]
    rows += [
        (
            f"{chip.name} ({chip.note})", chip.node, f"{chip.tops_per_w:g}", "",
            "" if chip.uj_per_image is None else f"{chip.uj_per_image:g}", "",
        )
        for chip in published()
    ]
    headers = ("", "node", "TOPS/W, masked weights counted", "kept weights only", "µJ per image",
               "mm², cells + memories")
    return table(dict(zip(headers, "llrrrr", strict=True)), rows)


def energy(data: dict) -> str:
    """What takes the energy of an image: parts by builds, in the order of the first."""
    splits = [row["split_uj_per_image"] for row in data["builds"]]
    parts = sorted(splits[0], key=splits[0].get, reverse=True)
    rows = [
        (part, *(f"{split[part]:.3f} ({split[part] / sum(split.values()):.0%})" for split in splits)) for part in parts
    ]
    headers = [f"`{row['model']}`, {row['pe']} PEs: µJ (share)" for row in data["builds"]]
    return table({"part": "l"} | dict.fromkeys(headers, "r"), rows)

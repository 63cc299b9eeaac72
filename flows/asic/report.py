"""What is written and shown of an estimate."""

from collections.abc import Mapping
from dataclasses import asdict

from rich.table import Table

from flows.asic.chips import published
from flows.asic.library import Library
from flows.asic.mapping import Delay
from flows.asic.memories import Memory
from flows.asic.parts import PARTS
from flows.asic.power import CLOCK_TREE, Area, Energy

__all__ = ["area_record", "area_table", "chips_table", "energy_record", "energy_table"]

#: How memories are called in the split of energy, and in the tables.
_MEMORY_NAMES = {
    "x": "activations' memory", "t": "activations' memory", "mask": "mask memory", "ring": "ring memory",
    "psum": "partial sums' memory", "entries": "entries' memory", "program": "program memory",
}


def area_record(
    areas: Mapping[str, Area], memories: Mapping[str, Memory], library: Library, liberty: str, delay: Delay,
    clock_ns: float, yosys_version: str,
) -> dict:
    """``asic.json``: area by part and memory, each with where it comes from."""
    parts = {name: asdict(areas[name]) for name in PARTS if name in areas}
    total = Area(*(sum(part[key] for part in parts.values()) for key in Area.__dataclass_fields__))
    return {
        "estimate": "cells mapped module by module, before any layout; memories by published figures",
        "tool": "Yosys (pyosys)", "version": yosys_version, "stage": "mapping",
        "library": library.name, "liberty": liberty, "volts": library.volts, "clock_ns": clock_ns,
        "logic_um2": total.um2, "cells": total.cells,
        "sequential_um2": total.sequential_um2, "sequential_cells": total.sequential_cells,
        "sequential_share": total.sequential_um2 / total.um2,
        "parts": parts,
        "memory_um2": sum(memory.area_um2 for memory in memories.values()),
        "memories": {name: asdict(memory) for name, memory in memories.items()},
        "longest_path_ps": delay.picoseconds, "longest_path_module": delay.module,
        "longest_path_is": "abc's delay inside one module: no wires, no paths between modules, no setup time",
    }


def caveat(library: Library, clock_ns: float) -> str:
    """Sentences on what the estimate of energy leaves out, and assumes."""
    return (
        f"An estimate before layout: {library.name} at {library.volts} V, typical corner, {clock_ns} ns clock. "
        "Activity of gates without delays, so no glitches; wires by the library's wire-load table, nothing is placed; "
        f"clock tree as its pins and {100 * CLOCK_TREE:.0f} % more; no clock gating. Memories by published figures of "
        "caches (energy scaled with node x V^2, area with node^2), only accesses that are used, without leakage. No "
        "pins of the chip."
    )


def energy_record(
    energies: Mapping[str, Energy], memories: Mapping[str, Memory], library: Library, clock_ns: float, *,
    images: int, dense_macs: float, useful_macs: float, cycles: float, cycles_recorded: float,
) -> dict:
    """``energy.json``: energy of one image, by what takes it.

    Parameters
    ----------
    energies : mapping of part to Energy
        In fJ, of all ``images``.
    images : int
        How many images the energies are of.
    dense_macs, useful_macs : float
        Multiply-accumulates of one image, all or those of kept weights.
    cycles, cycles_recorded : float
        Of one inference by the model, and those that were simulated for it with reading its results.
    """
    split = {part: energies[part].switching / images * 1e-9 for part in PARTS if part in energies}
    for name, memory in memories.items():
        split[_MEMORY_NAMES[name]] = split.get(_MEMORY_NAMES[name], 0.0) + memory.uj_per_image
    split["clock"] = sum(energy.clock for energy in energies.values()) / images * 1e-9
    split["leakage of cells"] = sum(energy.leakage for energy in energies.values()) / images * 1e-9
    total = sum(split.values())
    return {
        "total_uj_per_image": total,
        "split_uj_per_image": split,
        "caveat": caveat(library, clock_ns),
        "activity": "gates", "images": images,
        "cycles": cycles, "cycles_recorded": cycles_recorded, "clock_ns": clock_ns,
        "dense_equivalent_macs": dense_macs, "useful_macs": useful_macs,
        "tops_per_w_dense_equivalent": tops_per_w(dense_macs, total),
        "tops_per_w_useful": tops_per_w(useful_macs, total),
        "parts": {part: asdict(energy) for part, energy in energies.items()},
    }


def tops_per_w(macs: float, microjoules: float) -> float:
    """Operations per pJ, two for a multiply-accumulate: ``2*macs / (1e6*microjoules)``."""
    return 2e-6 * macs / microjoules


def area_table(record: dict) -> Table:
    """Area by part."""
    table = Table("part", "um2", "cells", "flip-flops", title=f"Estimated area, {record['library']}", caption=(
        f"logic {record['logic_um2']:,.0f} um2, {100 * record['sequential_share']:.0f} % sequential; memories "
        f"{record['memory_um2']:,.0f} um2; longest path {record['longest_path_ps']:.0f} ps in "
        f"{record['longest_path_module']} ({record['longest_path_is']})"
    ))
    for name, part in sorted(record["parts"].items(), key=lambda item: -item[1]["um2"]):
        table.add_row(name, f"{part['um2']:,.0f}", f"{part['cells']:,}", f"{part['sequential_cells']:,}")
    for name, memory in record["memories"].items():
        beyond = ", beyond the published sizes" if memory["extrapolated"] else ""
        table.add_row(f"{name} memory, {memory['bits']:,} bits{beyond}", f"{memory['area_um2']:,.0f}", "", "")
    return table


def energy_table(record: dict) -> Table:
    """Energy of an image by what takes it."""
    total = record["total_uj_per_image"]
    table = Table("part", "uJ", "%", title=f"Estimated energy per image: {total:.3g} uJ", caption=record["caveat"])
    for name, energy in sorted(record["split_uj_per_image"].items(), key=lambda item: -item[1]):
        table.add_row(name, f"{energy:.4g}", f"{100 * energy / total:.1f}")
    return table


def chips_table(record: dict, node: str) -> Table:
    """TOPS/W of the estimate beside what chips reach."""
    table = Table("", "node", "TOPS/W", "uJ/image", "how", caption=(
        "published figures as published, not scaled to our node; energies are of different networks"
    ))
    for which, text in (("dense_equivalent", "masked weights counted"), ("useful", "kept weights only")):
        table.add_row(
            "this build", node, f"{record[f'tops_per_w_{which}']:.3g}", f"{record['total_uj_per_image']:.3g}",
            f"estimate; {text}",
        )
    for chip in published():
        energy = "" if chip.uj_per_image is None else f"{chip.uj_per_image:g}"
        table.add_row(chip.name, chip.node, f"{chip.tops_per_w:g}", energy, f"{chip.note} ({chip.source})")
    return table

"""Memories of a build: their accesses in an inference, and what a published macro of their size would take."""

import math
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gen.compile import Program
from rtl.base.ports import Cause
from spec.commands import Op
from spec.config import AcceleratorConfig

__all__ = ["Access", "Macros", "Memory", "bits_moved", "load_macros", "memories_of"]

_MACROS = Path(__file__).with_name("macros.toml")


@dataclass(frozen=True)
class Access:
    """A published energy of one access of ``bits`` bits of a memory of ``bytes`` bytes."""

    bytes: int
    bits: int
    pj: float
    node_nm: float
    volts: float
    source: str


@dataclass(frozen=True)
class Macros:
    """Published figures, scaled to one node and voltage.

    Parameters
    ----------
    accesses : sequence of Access
    bit_um2 : float
        Area of a bit with its share of what is around the cells.
    area_source : str
    """

    accesses: Sequence[Access]
    bit_um2: float
    area_source: str

    def pj_per_bit(self, bits: int) -> float:
        """Energy of each bit of an access of a memory of ``bits``: a line through the figures on logarithmic axes."""
        x = np.log([8 * access.bytes for access in self.accesses])
        y = np.log([access.pj / access.bits for access in self.accesses])
        at = math.log(bits)
        left = int(np.clip(np.searchsorted(x, at) - 1, 0, len(x) - 2))
        slope = (y[left + 1] - y[left]) / (x[left + 1] - x[left])
        return math.exp(y[left] + slope * (at - x[left]))

    def side_by_side(self, word_bits: int) -> int:
        """Macros that make a memory of such words: each gives as many bits at a time as those of the figures."""
        return -(-word_bits // max(access.bits for access in self.accesses))

    def covers(self, bits: int) -> bool:
        """Whether a memory of ``bits`` lies between the smallest and the largest figure."""
        return 8 * self.accesses[0].bytes <= bits <= 8 * self.accesses[-1].bytes


@dataclass(frozen=True)
class Memory:
    """One memory, those of all lanes and copies together.

    Parameters
    ----------
    bits : int
        In all.
    macros : int
        Of ``bits / macros`` each: those of all lanes and copies, and those that make one word side by side.
    bits_per_image : float
        Read and written in the inference of one image.
    area_um2, pj_per_bit, uj_per_image : float
    extrapolated : bool
        Whether a macro is smaller or larger than the published ones.
    """

    bits: int
    macros: int
    bits_per_image: float
    area_um2: float
    pj_per_bit: float
    uj_per_image: float
    extrapolated: bool


def load_macros(node_nm: float, volts: float, path: Path = _MACROS) -> Macros:
    """The table at ``path`` scaled to ``node_nm`` and ``volts``: energy with node * V^2, area with node^2."""
    table = tomllib.loads(path.read_text())
    accesses = []
    for row in table["access"]:
        scale = (node_nm / row["node_nm"]) * (volts / row["volts"]) ** 2
        accesses.append(Access(**(row | {"pj": row["pj"] * scale, "node_nm": node_nm, "volts": volts})))
    area = table["area"]
    bit = area["bit_um2"] / area["array_share"] * (node_nm / area["node_nm"]) ** 2
    return Macros(sorted(accesses, key=lambda access: access.bytes), bit, area["source"])


def bits_moved(program: Program, layers: dict) -> Counter:
    """Bits read and written by an inference, by memory of ``AcceleratorConfig.memory_bits``; ``layers`` is that of
    ``layers.json``.

    Only what is used counts: the read ports of psum, entries and program are always enabled, but a macro in their place
    would be enabled when it is wanted. Every visit of a pixel reads and writes its partial sums; every result reads
    them once more, or, where it waits for its turn, is written and read, with its entries. Bits are those of all lanes.
    """
    config = program.config
    moved: Counter = Counter()
    executed = [command for command, _ in program.executed if command.op not in (Op.LOOP, Op.ENDLOOP)]
    for command, record in zip(executed, layers["commands"], strict=True):
        placed = command.placed
        read, written = (8 * record[f"activation_bytes_{way}"] for way in ("read", "written"))
        sums = config.widths.acc * config.rows * config.lanes
        if command.op in (Op.CONV, Op.CLASSIFY):
            results = placed.layer.positions * placed.tiles
            if placed.residual:
                residual = 8 * results * config.word_bytes * config.lanes
                moved[placed.residual.memory] += residual
                read -= residual
            moved[placed.source.memory] += read
            if placed.destination:
                moved[placed.destination.memory] += written
            moved["ring" if placed.layer.ring else "mask"] += record["mask_bits_fetched"]
            visits = record["causes_cycles_predicted"][Cause.ARRAY.name.lower()]
            if config.results_depth and command.op is Op.CONV:
                moved["psum"] += 2 * visits * sums
                moved["results"] += 2 * results * sums
                moved["entries"] += 32 * config.rows * results
            else:
                moved["psum"] += (2 * visits + results) * sums
                moved["entries"] += 32 * config.rows * placed.tiles * placed.pixel_tiles
        elif command.op is Op.MAXPOOL:
            moved[placed.source.memory] += read
            moved[placed.destination.memory] += written
    moved["program"] = sum(32 * len(command.words) for command, _ in program.executed)
    return moved


def memories_of(config: AcceleratorConfig, moved: Counter, macros: Macros) -> dict[str, Memory]:
    """Every memory of a build; ``moved`` is of one inference, which is of as many images as there are lanes."""
    copies = {"ring": config.ring_copies} | dict.fromkeys(("x", "t", "psum", "results"), config.lanes)
    sums = config.widths.acc * config.rows
    words = {
        "x": 8 * config.word_bytes, "t": 8 * config.word_bytes, "mask": config.mask_word_bits,
        "entries": 32 * config.requantizers, "program": 32, "psum": sums, "results": sums, "ring": 32,
    }
    found = {}
    for name, bits in config.memory_bits.items():
        total = bits * config.ring_copies if name == "ring" else bits  # the host sees a ring once
        count = copies.get(name, 1) * macros.side_by_side(words[name])
        each = total // count
        energy = macros.pj_per_bit(each)
        per_image = moved[name] / config.lanes
        found[name] = Memory(
            total, count, per_image, total * macros.bit_um2, energy, per_image * energy * 1e-6, not macros.covers(each)
        )
    return found

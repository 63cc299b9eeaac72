"""Whether a build may fit the part of a board; said before anything is written, by the least that it can take."""

from collections.abc import Callable
from dataclasses import replace

from gen.boards import Board
from gen.ecp5_arithmetic import product_dsps
from gen.ecp5_parts import RAM_BITS, slices
from spec.config import MEMORY_LIMITS, PSUM_DEPTHS, SHAPES, AcceleratorConfig
from spec.refusal import Refused

__all__ = ["check_board", "luts_at_least"]

#: LUTs of every build, and of a PE in it: lean builds of all modes whose rows share requantizers take 3,594 (16 PEs),
#: 23,137 (512) and 42,387 (1024).
_LUTS, _LUTS_PER_PE = 2_500, 38

#: Fields whose memories can be made smaller, and what :attr:`AcceleratorConfig.memory_bits` calls these.
_MEMORIES = {
    "x_bytes": "x", "t_bytes": "t", "mask_bits": "mask", "entries": "entries", "commands": "program",
    "ring_words": "ring", "psum_depth": "psum",
}


def luts_at_least(pe: int) -> int:
    """LUTs that no build of ``pe`` PEs does without: fewer than any has ever taken."""
    return _LUTS + pe * _LUTS_PER_PE


def check_board(config: AcceleratorConfig, board: Board) -> None:
    """Nothing, if the build may fit.

    Raises
    ------
    Refused
        If it certainly takes more LUTs, multipliers or block RAM than the part has, with options that take less.
    """
    fpga, luts = board.fpga, luts_at_least(config.pe)
    if luts > fpga.lut:
        largest = max(pe for pe in SHAPES if luts_at_least(pe) <= fpga.lut)
        raise Refused(
            f"A build of {config.pe} PEs takes {luts:,} LUTs or more, but the {board.title} has {fpga.lut:,}; choose "
            f"at most --pe {largest}"
        )
    dsps = product_dsps(config.widths) * config.requantizers * config.lanes
    if dsps > fpga.dsp:
        raise Refused(
            f"The build takes {dsps} multipliers, but the {board.title} has {fpga.dsp}; "
            f"{_fewer_requantizers(config, board)}"
        )
    bits, have = _bits(config), fpga.bram * RAM_BITS
    if bits > have:
        raise Refused(
            f"The memories of the build have {bits:,} bits, but the {board.title} has {have:,} in block RAM; "
            f"{_smaller_memories(config, board)}"
        )


def _fewer_requantizers(config: AcceleratorConfig, board: Board) -> str:
    """The option with which rows share so many requantizers as there are multipliers for."""
    shared = config.rows_per_requantizer
    while product_dsps(config.widths) * config.rows * config.lanes > board.fpga.dsp * shared:
        shared *= 2
    return f"let rows take turns with --rows-per-requantizer {shared}"


def _smaller_memories(config: AcceleratorConfig, board: Board) -> str:
    """Options of memories that fit if cut into whole block RAMs, or of such as have no more bits than these."""
    smaller = _halved(config, lambda tried: slices(tried) <= board.fpga.bram)
    smaller = smaller or _halved(config, lambda tried: _bits(tried) <= board.fpga.bram * RAM_BITS)
    changed = {name: getattr(smaller, name) for name in _MEMORIES if getattr(smaller, name) != getattr(config, name)}
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in changed.items())
    return f"make them smaller, for instance with {options}"


def _halved(config: AcceleratorConfig, fits: Callable[[AcceleratorConfig], bool]) -> AcceleratorConfig | None:
    """``config`` with its largest memory halved, again and again until it fits; None if it never does."""
    while not fits(config):
        bits = config.memory_bits
        halves = {name: half for name in _MEMORIES if (half := _half(config, name)) < getattr(config, name)}
        if not halves:
            return None
        name = max(halves, key=lambda name: bits[_MEMORIES[name]])
        config = replace(config, **{name: halves[name]})
    return config


def _bits(config: AcceleratorConfig) -> int:
    return sum(config.memory_bits.values())


def _half(config: AcceleratorConfig, name: str) -> int:
    """Half of the field ``name``, and no less than a build may have."""
    if name == "psum_depth":
        return max(config.psum_depth // 2, PSUM_DEPTHS[0])
    unit_of, least, _ = MEMORY_LIMITS[name]
    unit = unit_of(config)
    return max(getattr(config, name) // 2 // unit, least, 1) * unit if getattr(config, name) else 0

"""The program of the sequencer: what a command says, bit by bit. The compiler packs by it, the RTL decodes by it.

All lanes execute the same command in the same cycle; only ``STORE`` names one.

A command is 16 words of 32 bits. ``LOOP``, ``ENDLOOP`` and ``HALT`` are in their first word alone.
All addresses are in words of their memory and all address arithmetic wraps at ``ADDRESS_BITS``.
"""

import enum
from dataclasses import dataclass

import numpy as np

from spec.numerics import BIAS_SHIFT_MAX, RESIDUAL_SHIFT_MAX, SHIFT_MAX
from spec.refusal import Refused
from spec.ring import WORDS_MAX

__all__ = [
    "ADDRESS_BITS", "COMMAND_WORDS", "FIELDS", "LANES_MAX", "RING_UNIT", "Bits", "Op", "Source", "decode", "encode",
    "halves",
]

COMMAND_WORDS = 16  #: 32-bit words of a command.
ADDRESS_BITS = 24  #: Bits of an activation address.
LANES_MAX = 8  #: Most lanes a build can have.
RING_UNIT = 16  #: Words of ring memory that ``ring_base`` counts in.
RUNS_MAX = 255  #: Most times that a loop runs its body.

#: Low bits of a ring word's index, which have a field; the others have one called ``..._high``.
_LOW = 16
_HIGH = WORDS_MAX.bit_length() - _LOW


class Op(enum.IntEnum):
    """What a command does."""

    HALT = 0  #: End of the inference: raise done.
    CONV = 1  #: Convolve ``source``, requantize (with residual), store to ``destination``.
    CLASSIFY = 2  #: Convolve 1x1 and sum over all positions; the sums stay in the psum memory.
    STORE = 3  #: Send ``count`` words of ``source`` of one lane (or that many logits) out as one frame.
    LOOP = 4  #: Repeat up to ``ENDLOOP`` ``iterations`` times; entries move by ``entry_step`` each time.
    ENDLOOP = 5  #: End of the recurrent block.
    MAXPOOL = 6  #: Largest bytes of every window (:data:`spec.layer.POOL`) of ``source``, to ``destination``.


class Source(enum.IntEnum):
    """Where a command reads."""

    X = 0  #: Residual-stream memory.
    T = 1  #: Temporary memory.
    PSUM = 2  #: Psum memory (STORE of logits only).


@dataclass(frozen=True)
class Bits:
    """``width`` bits at bit ``lsb`` of ``word``, unsigned."""

    name: str
    word: int
    lsb: int
    width: int
    doc: str


#: Every field; ``op`` decides which of them mean anything, and ``ring`` whether weights come from a ring or from masks.
FIELDS = (
    Bits("op", 0, 0, 4, "Op"),
    Bits("source", 0, 4, 2, "Source of the input words"),
    Bits("to_t", 0, 6, 1, "store to T instead of X"),
    Bits("residual", 0, 7, 1, "add a residual read from X"),
    Bits("residual_signed", 0, 8, 1, "the residual is a projection: signed bytes"),
    Bits("output_signed", 0, 9, 1, "store signed values (a projection)"),
    Bits("coded", 0, 10, 1, "mask is in 2-bit codes (mode 1of4)"),
    Bits("passes", 0, 11, 2, "q: passes per weight tile: 1, of any channel of a group, or 2, of a pair each"),
    Bits("residual_half", 0, 13, 1, "the residual's map is half as large: pixel (y, x) adds its (y >> 1, x >> 1)"),
    Bits("kernel", 0, 14, 3, "K"),
    Bits("stride", 0, 17, 3, "s"),
    Bits("pad", 0, 20, 3, "p"),
    Bits("streamed", 0, 23, 1, "masks come from the host, a chunk per m-tile, not from mask_base"),
    Bits("ring", 0, 24, 1, "weights come from a ring: those fields count, not mask_base"),
    Bits("top_plane", 0, 25, 3, "planes of the ring but one; 0 without a ring"),
    Bits("spare_channels", 0, 28, 2, "channels of the last group that are not there (masks are 0 there anyway)"),
    Bits("iterations", 0, 8, RUNS_MAX.bit_length(), "LOOP: times the body runs"),
    Bits("entry_step", 0, 16, 16, "LOOP: entry rows between iterations"),
    Bits("height", 1, 0, 12, "H of the input map"),
    Bits("width", 1, 12, 12, "W of the input map"),
    Bits("blocks", 2, 0, 10, "input words per pixel (n-blocks)"),
    Bits("tiles", 2, 10, 11, "m-tiles"),
    Bits("last_groups", 2, 21, 7, "groups with channels in the last n-block"),
    Bits("out_pixels", 3, 0, 20, "output pixels"),
    Bits("out_width", 3, 20, 12, "OW"),
    Bits("source_base", 4, 0, ADDRESS_BITS, "first input word"),
    Bits("ring_start_high", 4, 24, _HIGH, "high bits of ring_start"),
    Bits("ring_step_high", 4, 28, _HIGH, "high bits of ring_step"),
    Bits("out_base", 5, 0, ADDRESS_BITS, "first output word"),
    Bits("ring_row_step_high", 5, 24, _HIGH, "high bits of ring_row_step"),
    Bits("ring_words_high", 5, 28, _HIGH, "high bits of ring_words"),
    Bits("residual_base", 6, 0, ADDRESS_BITS, "first residual word"),
    Bits("run", 7, 0, 10, "pixels of a pixel tile"),
    Bits("last_run", 7, 10, 10, "pixels of the last pixel tile"),
    Bits("pixel_tiles", 7, 20, 12, "pixel tiles"),
    Bits("seed", 8, 0, 32, "LFSR state that row 0 starts from"),
    Bits("mask_base", 9, 0, 32, "first mask unit"),
    Bits("ring_start", 9, 0, _LOW, "ring word that the layer starts at"),
    Bits("ring_step", 9, 16, _LOW, "ring words from one word of the layer to the next"),
    Bits("entry_base", 10, 0, 20, "entry row of m-tile 0 in iteration 0"),
    Bits("last_rows", 10, 20, 7, "weight fetches per tile of the last m-tile"),
    Bits("unused_bits", 10, 27, 3, "of every stored byte: 8 bits less those of an activation"),
    Bits("shift", 11, 0, SHIFT_MAX.bit_length(), "sh"),
    Bits("bias_shift", 11, 5, BIAS_SHIFT_MAX.bit_length(), "bsh"),
    Bits("residual_shift", 11, 10, RESIDUAL_SHIFT_MAX.bit_length(), "rsh"),
    Bits("ring_base", 11, 15, 17, "first word of the ring's highest plane, in RING_UNIT words"),
    Bits("step_x", 12, 0, 16, "input words from one output pixel to the next in its row"),
    Bits("out_step", 12, 16, 10, "output words per pixel"),
    Bits("step_row", 13, 0, ADDRESS_BITS, "input words from the last pixel of a row to the first of the next"),
    Bits("step_tap", 14, 0, ADDRESS_BITS,
          "input words from the last word of a kernel row to the first of the next; MAXPOOL: to the same one"),
    Bits("ring_row_step", 15, 0, _LOW, "ring words from one row to the next"),
    Bits("ring_words", 15, 16, _LOW, "R: words of the ring"),
    Bits("count", 15, 0, 24, "STORE: words or logits to send"),
    Bits("lane", 15, 24, (LANES_MAX - 1).bit_length(), "STORE: lane whose memory is sent"),
)

_BY_NAME = {field.name: field for field in FIELDS}


def encode(op: Op, **values: int) -> np.ndarray:
    """Pack a command: uint32 array (COMMAND_WORDS,). Fields not given are 0.

    Raises
    ------
    Refused
        If a field is unknown or its value does not fit.
    """
    words = [0] * COMMAND_WORDS
    for name, value in {"op": op, **values}.items():
        if name not in _BY_NAME:
            raise Refused(f"Unknown command field {name!r}")
        field = _BY_NAME[name]
        if not 0 <= value < 1 << field.width:
            raise Refused(f"Command field {name} must fit {field.width} bits, not {value!r}")
        words[field.word] |= int(value) << field.lsb
    return np.array(words, np.uint32)


def halves(**values: int) -> dict[str, int]:
    """Fields of ring words' indices or numbers: each of ``values`` as it is called, and its high bits."""
    low = {name: value & (1 << _LOW) - 1 for name, value in values.items()}
    return low | {f"{name}_high": value >> _LOW for name, value in values.items()}


def decode(words: np.ndarray) -> dict[str, int]:
    """All fields of a command by name: inverse of :func:`encode`."""
    return {f.name: int(words[f.word]) >> f.lsb & (1 << f.width) - 1 for f in FIELDS}

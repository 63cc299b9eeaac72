"""The shape and the memories of one accelerator. Everything that depends on them is a property here.

N = Tg * Tm * L processing elements: ``Tg`` per row (a word of ``C = 4*Tg`` channels), ``Tm`` rows that share the
word, ``L`` lanes that work on different images.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from spec.commands import LANES_MAX, RING_UNIT
from spec.lfsr import SIGN_WORD
from spec.numerics import ACC_BITS_MIN, MASK_WIDTHS, RING_WIDTHS, Widths, narrowed
from spec.refusal import Refused
from spec.supermask import GROUP, Mode

__all__ = ["COUNTERS_KEPT", "MEMORY_LIMITS", "PSUM_BITS", "PSUM_DEPTHS", "SHAPES", "AcceleratorConfig", "config_for"]

#: Shape (Tg, Tm, L) of the named sizes.
SHAPES = {
    16: (4, 4, 1),
    32: (4, 8, 1),
    64: (4, 16, 1),
    128: (8, 16, 1),
    256: (8, 32, 1),
    512: (16, 32, 1),
    1024: (16, 64, 1),
    2048: (16, 64, 2),
    4096: (16, 64, 4),
}

#: Least and largest D.
PSUM_DEPTHS = (16, 1023)

#: Fewest and most bits of a partial sum; the most only in builds with rings.
PSUM_BITS = (ACC_BITS_MIN, RING_WIDTHS.acc)

#: Which cycle counters a build may have: the total and its causes, or the total alone.
COUNTERS_KEPT = ("all", "total")

#: What builds were before there was a choice; as then, it is no part of their identity.
_BEFORE = {
    "protect": False, "counters": "all", "max_pool": True, "streams": True, "rows_per_requantizer": 1,
    "upsample": False, "psum_bits": 0, "watchdog": True,
}

_KIB = 1024


def _power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _nearest(value: int, most: int) -> str:
    """The powers of two next to ``value`` among those from 1 to ``most``, in words."""
    below = min(most, 1 << max(1, value).bit_length() - 1)
    return str(below) if value < 1 or below == most else f"{below} or {2 * below}"


def _check_lanes(lanes: int) -> None:
    if type(lanes) is not int:
        raise Refused(f"lanes must be an integer, not {lanes!r}")
    if not _power_of_two(lanes) or lanes > LANES_MAX:
        raise Refused(
            f"lanes (L) must be a power of two from 1 to {LANES_MAX}, not {lanes!r}: every lane works on an image of "
            "its own; use more rows or groups for more PEs"
        )


@dataclass(frozen=True, kw_only=True)
class AcceleratorConfig:
    """Parameters of one build. Frozen; every illegal value is refused with a sentence.

    Parameters
    ----------
    groups : int
        Tg: PEs per row. A power of two from 4 to 64.
    rows : int
        Tm: rows, that is output channels at a time. A power of two from 4 to ``4*groups``.
    lanes : int
        L: images at a time, one per lane. A power of two from 1 to :data:`LANES_MAX`.
    weight_rows : int
        Rows whose weights are generated per cycle. A power of two that divides ``rows``.
    rows_per_requantizer : int
        Rows that take turns at one requantizer, so cycles from one result to the next. A power of two that divides
        ``rows``. With more than 1 every lane has a second psum memory, where finished sums wait for their turn.
    psum_depth : int
        D: pixels of a tile, and the limit on classes (``psum_depth * rows``). 16 to 1023.
    psum_bits : int
        Signed bits of a partial sum: 16 to 24, or 32 with rings, which is what 0 means.
        :meth:`spec.model.Model.psum_bits` says what a layer needs.
    x_bytes, t_bytes : int
        Residual-stream and temporary activation memories of each lane.
    mask_bits : int
        Supermask memory.
    entries : int
        Batch-norm entries of 32 bits.
    commands : int
        Program memory.
    modes : tuple of Mode
        Mask structures the build supports.
    ring_words : int
        Ring memory: words of 16 trits, one plane each. 0 (a build that knows no rings) or a multiple of 16.
    protect : bool
        A parity bit beside every 32 bits of program, masks, entries and rings.
    counters : str
        Which cycles are counted, of :data:`COUNTERS_KEPT`.
    max_pool : bool
        The build executes max pools.
    streams : bool
        Masks may come from the host while an inference runs.
    upsample : bool
        A residual may be half as large as what it is added to.
    watchdog : bool
        An inference that takes too long can be stopped.
    """

    groups: int
    rows: int
    lanes: int = 1
    weight_rows: int = 1
    rows_per_requantizer: int = 1
    psum_depth: int = 64
    psum_bits: int = 0
    x_bytes: int = 32 * _KIB
    t_bytes: int = 32 * _KIB
    mask_bits: int = 1024 * _KIB
    entries: int = 4096
    commands: int = 128
    modes: tuple[Mode, ...] = tuple(Mode)
    ring_words: int = 0
    protect: bool = True
    counters: str = COUNTERS_KEPT[0]
    max_pool: bool = True
    streams: bool = True
    upsample: bool = False
    watchdog: bool = True

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if field.type is int and type(getattr(self, field.name)) is not int:
                raise Refused(f"{field.name} must be an integer, not {getattr(self, field.name)!r}")
        if not _power_of_two(self.groups) or not 4 <= self.groups <= 64:
            raise Refused(f"groups (Tg) must be a power of two from 4 to 64, not {self.groups!r}")
        if not _power_of_two(self.rows) or not 4 <= self.rows <= self.word_bytes:
            raise Refused(
                f"rows (Tm) must be a power of two from 4 to 4*groups = {self.word_bytes}, so that a tile of output "
                f"channels is a whole part of a word, not {self.rows!r}"
            )
        _check_lanes(self.lanes)
        for name in ("protect", "max_pool", "streams", "upsample", "watchdog"):
            if type(getattr(self, name)) is not bool:
                raise Refused(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.counters not in COUNTERS_KEPT:
            raise Refused(f"counters must be {' or '.join(COUNTERS_KEPT)}, not {self.counters!r}")
        if not _power_of_two(self.weight_rows) or self.rows % self.weight_rows:
            raise Refused(
                f"weight_rows must be a power of two that divides rows ({self.rows}), not {self.weight_rows!r}"
            )
        if self.load_cycles > 64:
            raise Refused(f"weight_rows must be at least rows/64 = {self.rows // 64}, not {self.weight_rows!r}")
        if not _power_of_two(self.rows_per_requantizer) or self.rows % self.rows_per_requantizer:
            raise Refused(
                f"rows_per_requantizer must be a power of two that divides rows ({self.rows}), such as "
                f"{_nearest(self.rows_per_requantizer, self.rows)}, not {self.rows_per_requantizer!r}"
            )
        if not PSUM_DEPTHS[0] <= self.psum_depth <= PSUM_DEPTHS[1]:
            raise Refused(f"psum_depth (D) must be from 16 to 1023, not {self.psum_depth!r}")
        most = self._most_widths.acc
        if self.psum_bits and not ACC_BITS_MIN <= self.psum_bits <= most:
            which = "with" if self.ring_words else "without"
            raise Refused(
                f"psum_bits must be from {ACC_BITS_MIN} to {most} in a build {which} rings, not {self.psum_bits!r}"
            )
        for name, (unit_of, least, most) in MEMORY_LIMITS.items():
            value, unit = getattr(self, name), unit_of(self)
            if value % unit or not least * unit <= value <= most:
                raise Refused(f"{name} must be a multiple of {unit}, from {least * unit} to {most}, not {value!r}")
        if not self.modes or set(self.modes) - set(Mode) or len(set(self.modes)) != len(self.modes):
            raise Refused(f"modes must be some of {[str(m) for m in Mode]} without repetition, not {self.modes!r}")

    @property
    def pe(self) -> int:
        """N: processing elements."""
        return self.groups * self.rows * self.lanes

    @property
    def word_bytes(self) -> int:
        """C: channels of a word, one byte each."""
        return GROUP * self.groups

    @property
    def columns(self) -> int:
        """Tiles of output channels that share a word."""
        return self.word_bytes // self.rows

    @property
    def sign_words(self) -> int:
        """16-sign words per row of a weight tile."""
        return self.word_bytes // SIGN_WORD

    @property
    def load_cycles(self) -> int:
        """Cycles that the weights of a full tile take to arrive."""
        return self.rows // self.weight_rows

    @property
    def requantizers(self) -> int:
        """Requantizers of a lane."""
        return self.rows // self.rows_per_requantizer

    @property
    def results_depth(self) -> int:
        """Pixels whose finished sums wait for a requantizer; 0 if every row has its own."""
        return 1 << (self.psum_depth - 1).bit_length() if self.rows_per_requantizer > 1 else 0

    @property
    def x_words(self) -> int:
        """Words of the residual-stream memory of a lane."""
        return self.x_bytes // self.word_bytes

    @property
    def t_words(self) -> int:
        """Words of the temporary memory of a lane."""
        return self.t_bytes // self.word_bytes

    @property
    def address_bits(self) -> int:
        """Bits of a word address in the X, T and psum memories; address arithmetic may wrap there."""
        return (max(self.x_words, self.t_words, self.psum_depth) - 1).bit_length()

    @property
    def mask_unit_bits(self) -> int:
        """Bits that ``weight_rows`` rows take in mode ``1of4``; the other modes take two units."""
        return self.weight_rows * self.word_bytes // 2

    @property
    def mask_word_bits(self) -> int:
        """Width of the supermask memory: at least a stream word."""
        return max(32, 2 * self.mask_unit_bits)

    @property
    def mask_words(self) -> int:
        """Words of the supermask memory."""
        return self.mask_bits // self.mask_word_bits

    @property
    def entry_rows(self) -> int:
        """Channel tiles whose entries the batch-norm memory holds: those of all rows."""
        return self.entries // self.rows

    @property
    def classes_max(self) -> int:
        """Most classes a classifier can have: one psum each."""
        return self.psum_depth * self.rows

    @property
    def pairs(self) -> bool | None:
        """Whether passes add a pair of channels of each group: in all layers, in none, or (None) as a command says."""
        return self._alike(lambda mode: mode.passes > 1)

    @property
    def coded(self) -> bool | None:
        """Whether masks are 2-bit codes; likewise."""
        return self._alike(lambda mode: mode is Mode.ONE_OF_FOUR)

    def _alike(self, kind: Callable[[Mode], bool]) -> bool | None:
        """The ``kind`` of all layers, if there is one; those that draw from a ring are as those of mode ``any``."""
        kinds = {kind(mode) for mode in (*self.modes, *([Mode.ANY] if self.ring_words else []))}
        return kinds.pop() if len(kinds) == 1 else None

    @property
    def widths(self) -> Widths:
        """Bits of accumulators and requantizer sums."""
        most = self._most_widths
        return narrowed(most, self.psum_bits) if self.psum_bits else most

    @property
    def _most_widths(self) -> Widths:
        return RING_WIDTHS if self.ring_words else MASK_WIDTHS

    @property
    def ring_copies(self) -> int:
        """Copies of the ring memory: each delivers one word of 16 trits a cycle."""
        return self.weight_rows * self.sign_words

    @property
    def ring_seeding(self) -> int:
        """Cycles from taking a command to its first fetch from a ring: one per row fetched at a time, and enough to
        double the step up to a whole tile."""
        return max(self.weight_rows, (self.sign_words - 1).bit_length())

    @property
    def memory_bits(self) -> dict[str, int]:
        """Bits of every memory, those of all lanes together; of the ring memory, which the host sees once, there are
        :attr:`ring_copies`.
        """
        rings = {"ring": 32 * self.ring_words} if self.ring_words else {}
        psum = self.widths.acc * self.rows * self.lanes
        results = {"results": psum * self.results_depth} if self.results_depth else {}
        return rings | results | {
            "x": 8 * self.x_bytes * self.lanes,
            "t": 8 * self.t_bytes * self.lanes,
            "mask": self.mask_bits,
            "entries": 32 * self.entries,
            "program": 512 * self.commands,
            "psum": psum * self.psum_depth,
        }

    def to_json(self) -> dict:
        """Plain JSON form; :meth:`from_json` inverts it."""
        return dataclasses.asdict(self) | {"modes": [str(mode) for mode in self.modes]}

    @classmethod
    def from_json(cls, data: dict) -> "AcceleratorConfig":
        """Configuration described by ``data``; unknown and missing keys are refused by name, but what builds had before
        there was a choice is what a missing key means.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if isinstance(data, dict):
            data = _BEFORE | data
        if not isinstance(data, dict):
            raise Refused(f"Configuration must be a JSON object, not {data!r}")
        for key in data:
            if key not in names:
                raise Refused(f"Unknown configuration key {key!r}; the keys are {names}")
        for name in names:
            if name not in data:
                raise Refused(f"Missing configuration key {name!r}")
        try:
            modes = tuple(Mode(mode) for mode in data["modes"])
        except (TypeError, ValueError):
            raise Refused(f"modes must be some of {[str(m) for m in Mode]}, not {data['modes']!r}") from None
        return cls(**(data | {"modes": modes}))

    @property
    def hash(self) -> int:
        """32-bit identity of the configuration; the hardware reports it in a register."""
        data = {name: value for name, value in self.to_json().items() if name not in _BEFORE or value != _BEFORE[name]}
        text = json.dumps(data, sort_keys=True)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


#: What each memory's size is a multiple of, the fewest such units, and the largest size. The host addresses at most
#: 2**24 words of 32 bits of each memory; a command holds 20-bit entry rows and 21-bit ring words.
MEMORY_LIMITS: dict[str, tuple[Callable[[AcceleratorConfig], int], int, int]] = {
    "x_bytes": (lambda config: config.word_bytes, 16, 1 << 26),
    "t_bytes": (lambda config: config.word_bytes, 16, 1 << 26),
    "mask_bits": (lambda config: config.mask_word_bits, 16, 1 << 29),
    "entries": (lambda config: config.rows, 4, 1 << 20),
    "commands": (lambda config: 1, 4, 1 << 16),
    "ring_words": (lambda config: RING_UNIT, 0, 1 << 21),
}


def config_for(
    pe: int, *, groups: int | None = None, rows: int | None = None, lanes: int | None = None, **fields
) -> AcceleratorConfig:
    """Configuration of ``pe`` processing elements, in its named shape or in the one given.

    With ``lanes`` alone each lane has the named shape of ``pe / lanes``. Weights arrive ``rows/16`` rows a cycle unless
    ``weight_rows`` says otherwise; the program memory grows with the lanes, because a tensor is sent lane by lane.

    Raises
    ------
    Refused
        If the size has no named shape and none is given, or the shape does not make ``pe``.
    """
    if lanes is not None:
        _check_lanes(lanes)
    if (groups is None) != (rows is None):
        raise Refused("Give both groups (Tg) and rows (Tm), or neither")
    if groups is None:
        named, among = SHAPES, ""
        if lanes is not None:
            named = {g * r * lanes: (g, r, lanes) for g, r, one in SHAPES.values() if one == 1}
            among = f" in {lanes} lanes" if lanes > 1 else " in one lane"
        if pe not in named:
            raise Refused(
                f"There is no named shape of {pe} PEs{among}: use one of {list(named)}, or give --groups and --rows"
            )
        groups, rows, lanes = named[pe]
    lanes = 1 if lanes is None else lanes
    if groups * rows * lanes != pe:
        times = f" x {lanes} lanes" if lanes > 1 else ""
        raise Refused(
            f"{groups} groups x {rows} rows{times} make {groups * rows * lanes} PEs, not {pe}; "
            "change --pe, --groups, --rows or --lanes"
        )
    defaults = {"weight_rows": max(1, rows // 16), "commands": lanes * AcceleratorConfig.commands}
    return AcceleratorConfig(groups=groups, rows=rows, lanes=lanes, **(defaults | fields))

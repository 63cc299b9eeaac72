"""What a host does that is confused, broken or hostile: drawn here, done by :mod:`sim.bench.protocol`.

A sequence is a number of moves and the way back from them. Its number and the run's seed decide all of it, whatever
came before, so that each can be repeated alone.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import numpy as np

from spec.commands import FIELDS, Op, encode
from spec.packets import HEADER_WORDS
from spec.registers import OFFSET_BITS, REGISTERS
from spec.supermask import Mode

__all__ = [
    "LASTING", "MOVES", "RECOVERIES", "Access", "Move", "Sequence", "accesses", "cut", "draw", "drawn", "is_refused",
    "random_command",
]

#: Every move by name.
MOVES = {
    "read": "a register is read",
    "write": "any word goes to any register, CONTROL most often",
    "partial access": "some bytes of one register or of several",
    "unaligned access": "an address between registers",
    "unknown register": "an address beyond all registers",
    "parallel accesses": "several of all these at once",
    "clear error": "ERROR is written, as it must be before a start is taken",
    "start storm": "starts in quick succession",
    "abort storm": "aborts, some with a start or a clear in the same write",
    "clear": "all activations are zeroed",
    "garbage packet": "random words, with or without the first word of a packet",
    "bad packet": "a packet that breaks one rule",
    "cut packet": "a packet of a program that ends early",
    "long packet": "one that does not end where it should",
    "foreign packet": "random words for a random place of a random memory",
    "chunk": "streamed masks that nobody asked for",
    "inference": "an image, masks to stream and a start, most often without a pending error; nobody waits for its end",
    "pause sink": "m_axis takes nothing from now on, or takes again",
    "pause source": "s_axis sends nothing from now on, or sends again",
    "stalls": "all channels pause at random from now on, or no longer",
    "reset": "the accelerator and all buses are reset",
    "wait": "nothing happens for up to 3000 cycles",
}

#: Ways back to a clean inference: the driver's abort; that of a host that cannot see m_axis, so waits until ready and
#: then forgets the whole frames that came; a reset.
RECOVERIES = ("abort", "abort and ready", "reset")

#: Moves that may change a program, masks, entries or rings: what runs next must be loaded again.
LASTING = ("garbage packet", "bad packet", "cut packet", "long packet", "foreign packet", "chunk")

#: What is drawn more often than other moves: what lets the accelerator go on, so that others meet it at work.
_WEIGHTS = {"inference": 6, "clear error": 2}

_MOST_MOVES = 10
_WORD_BYTES = 4
_KNOWN = frozenset(register.offset for register in REGISTERS)


@dataclass(frozen=True)
class Move:
    """One of :data:`MOVES`; ``seed`` decides the rest of it."""

    name: str
    seed: int


@dataclass(frozen=True)
class Sequence:
    """Moves, one after another, then a way back.

    Parameters
    ----------
    number : int
        Which one of the run.
    mode : Mode
        Masks of the network that runs in between and afterwards.
    moves : tuple of Move
    recovery : str
        One of :data:`RECOVERIES`.
    """

    number: int
    mode: Mode
    moves: tuple[Move, ...]
    recovery: str


@dataclass(frozen=True)
class Access:
    """An access to ``count`` bytes from byte ``address`` on; ``data`` is None where it reads."""

    address: int
    count: int
    data: bytes | None = None


def draw(seed: int, number: int) -> Sequence:
    """Sequence ``number`` of the run of ``seed``."""
    rng = Random(f"{seed} {number}")
    mode, recovery = rng.choice((Mode.TWO_OF_FOUR, Mode.ONE_OF_FOUR)), rng.choice(RECOVERIES)
    names = rng.choices(list(MOVES), [_WEIGHTS.get(name, 1) for name in MOVES], k=rng.randint(1, _MOST_MOVES))
    return Sequence(number, mode, tuple(Move(name, rng.randrange(1 << 31)) for name in names), recovery)


def drawn(sequences: Iterable[Sequence]) -> dict[str, int]:
    """How often each move and each recovery is in ``sequences``, by name."""
    counts = Counter()
    for sequence in sequences:
        counts.update(move.name for move in sequence.moves)
        counts[f"recovery by {sequence.recovery}"] += 1
    return {name: counts[name] for name in (*MOVES, *(f"recovery by {way}" for way in RECOVERIES))}


def is_refused(access: Access) -> bool:
    """Whether any word of ``access`` must be answered SLVERR: one that is no whole register at its own address."""
    if access.address % _WORD_BYTES or (access.data is not None and access.count % _WORD_BYTES):
        return True
    return any(address not in _KNOWN for address in range(access.address, access.address + access.count, _WORD_BYTES))


def accesses(kind: str, rng: Random) -> list[Access]:
    """The accesses of a move of this ``kind``: "read", "write", "partial access", "unaligned access",
    "unknown register" or "parallel accesses".
    """
    if kind == "parallel accesses":
        kinds = ("read", "write", "partial access", "unaligned access", "unknown register")
        return [one for _ in range(rng.randint(2, 6)) for one in accesses(rng.choice(kinds), rng)]
    offset, count, writes = rng.choice(sorted(_KNOWN)), _WORD_BYTES, rng.random() < 0.5
    match kind:
        case "read":
            writes = False
        case "write":
            writes, offset = True, rng.choice((0, offset))
        case "partial access":
            count = rng.randint(1, 9)
        case "unaligned access":
            offset += rng.randint(1, _WORD_BYTES - 1)
        case "unknown register":
            offset = rng.randrange(max(_KNOWN) + _WORD_BYTES, 1 << OFFSET_BITS, _WORD_BYTES)
    count = min(count, (1 << OFFSET_BITS) - offset)
    return [Access(offset, count, rng.randbytes(count) if writes else None)]


def random_command(rng: Random) -> np.ndarray:
    """Words of a command, of a kind that there is or of another, in which every field is any number that it has bits
    for: uint32 array (COMMAND_WORDS,).
    """
    op = rng.choice((*Op, Op.CONV, Op.CONV, Op.CONV, rng.randrange(16)))
    taken, values = {(0, bit) for bit in range(4)}, {}  # of the op itself
    for field in rng.sample(FIELDS, len(FIELDS)):  # some share their bits
        bits = {(field.word, bit) for bit in range(field.lsb, field.lsb + field.width)}
        if not bits & taken:
            taken |= bits
            values[field.name] = rng.getrandbits(field.width)
    return encode(op, **values)


def cut(packet: bytes, rng: Random) -> bytes:
    """``packet`` without some of its last words; at least one is left."""
    words = len(packet) // _WORD_BYTES
    return packet[: _WORD_BYTES * rng.randint(1, max(1, rng.choice((HEADER_WORDS, words)) - 1))]

"""Which value of a ring every weight is: the generating matrices of the paper, as integers made from seeds.

A ring of M values serves *slots*, one per weight tensor, in order. Every addressing below is a function of the sizes
and of the slots' seeds alone, by integer hashing and :mod:`spec`: the same on every machine and version, so that no
index is ever stored.

Ref: RPG (arXiv:2107.07110), section 3, "Generating Matrices" and "Even Parameter Sampling and Model Ring"; HashedNets
(Chen et al., ICML 2015) for the hashing trick.
"""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spec.lfsr import signs
from spec.refusal import Refused
from spec.ring import RING_WORD, draws, word_indices

__all__ = ["Addressing", "Slot", "addresses", "hashes", "mixed", "permutation", "usage"]


class Addressing(enum.StrEnum):
    """How the slots' weights are spread over a ring of M values; ``start`` counts the weights of the slots before."""

    ELEMENT = "element"  #: The paper's: the next values of the ring, ``(start + t) mod M``, in an order of its own.
    PLAIN = "plain"  #: Those values as they come: no permutation.
    WORD = "word"  #: Words of 16 values in an order of its own (:mod:`spec.ring`): what hardware runs.
    SHUFFLE = "shuffle"  #: One permutation over all weights of all slots, as in the released code of the paper.
    RANDOM = "random"  #: Baseline, random weight sharing: any value for any weight, independently.
    HASH = "hash"  #: Baseline, the hashing trick: as ``random``, and signs from a second hash.


@dataclass(frozen=True)
class Slot:
    """A weight tensor that is drawn.

    Parameters
    ----------
    name : str
    shape : (int, int, int, int)
        OHWI: output channels, kernel rows, kernel columns, input channels. Matrices have 1x1 kernels.
    seed : int
        32 bits, not 0; permutation and flips come from it (:func:`spec.lfsr.layer_seed`).
    gain : float
        Variance wanted is ``gain / fan_in``: 2 before a ReLU (Kaiming), 1 in a transformer.
    """

    name: str
    shape: tuple[int, int, int, int]
    seed: int
    gain: float = 2.0

    @property
    def weight_count(self) -> int:
        """Number of weights."""
        return math.prod(self.shape)

    @property
    def sigma(self) -> float:
        """Standard deviation that the weights should start with: ``sqrt(gain / fan_in)``."""
        return math.sqrt(self.gain / math.prod(self.shape[1:]))


def addresses(addressing: Addressing, flips: bool, size: int, slots: Sequence[Slot]) -> np.ndarray:
    """Signed addresses of all weights of ``slots``, one after the other: int32 array (N,).

    Address ``a`` below ``size`` means value ``a`` of the ring, ``size + a`` means minus that value. Without ``flips``
    there is no minus.

    Raises
    ------
    Refused
        If ``size`` is below 1 or too large, or no multiple of 16 under ``word``.
    """
    if not 1 <= size < 1 << 30:
        raise Refused(f"A ring must have from 1 to {(1 << 30) - 1} values, not {size}")
    match addressing:
        case Addressing.WORD:
            found = _words(size, slots)
        case Addressing.SHUFFLE:
            found = _shuffled(size, slots)
        case Addressing.RANDOM | Addressing.HASH:
            drawn = [hashes(slot.seed, _INDEX, slot.weight_count) for slot in slots]
            found = [(value % np.uint64(size)).astype(np.int64) for value in drawn]
        case Addressing.PLAIN:
            found = _consecutive(size, slots)
        case Addressing.ELEMENT:
            consecutive = zip(slots, _consecutive(size, slots), strict=True)
            found = [raw[permutation(slot.seed, slot.weight_count)] for slot, raw in consecutive]
    if flips:
        found = [index + size * _flips(addressing, slot) for slot, index in zip(slots, found, strict=True)]
    return np.concatenate(found).astype(np.int32)


def usage(table: np.ndarray, size: int) -> np.ndarray:
    """How many weights each value of the ring is used for, given :func:`addresses`: int64 array (size,)."""
    return np.bincount(table % size, minlength=size)


def _consecutive(size: int, slots: Sequence[Slot]) -> list[np.ndarray]:
    """``(start + t) mod M``: evenly sampled, each value floor(N/M) or ceil(N/M) times; wraps inside large slots."""
    starts = np.cumsum([0, *(slot.weight_count for slot in slots)])
    return [(start + np.arange(slot.weight_count)) % size for start, slot in zip(starts[:-1], slots, strict=True)]


def _words(size: int, slots: Sequence[Slot]) -> list[np.ndarray]:
    """Addresses of the exported form: word by :func:`spec.ring.word_indices`, lane by input channel mod 16."""
    if size % RING_WORD:
        raise Refused(f"A ring addressed by words must have a multiple of {RING_WORD} values, not {size}")
    found = []
    for slot, draw in zip(slots, draws(size // RING_WORD, ((s.shape, s.seed) for s in slots)), strict=True):
        words = word_indices(slot.shape, draw)  # (O, K, K, words)
        lanes = RING_WORD * words[..., None] + np.arange(RING_WORD)  # (O, K, K, words, 16)
        found.append(lanes.reshape(*words.shape[:-1], -1)[..., : slot.shape[-1]].ravel())
    return found


def _shuffled(size: int, slots: Sequence[Slot]) -> list[np.ndarray]:
    """Every value floor(N/M) times and some of them, chosen at random, once more; all in one random order."""
    count, seed = sum(slot.weight_count for slot in slots), slots[0].seed
    whole, rest = divmod(count, size)
    pool = np.concatenate([np.tile(np.arange(size), whole), permutation(seed, size, _REST)[:rest]])
    return np.split(pool[permutation(seed, count)], np.cumsum([slot.weight_count for slot in slots])[:-1])


def _flips(addressing: Addressing, slot: Slot) -> np.ndarray:
    """1 where the weight is minus the value: the layer's LFSR stream, or a second hash for the hashing trick."""
    if addressing is Addressing.HASH:
        return (hashes(slot.seed, _FLIP, slot.weight_count) & np.uint64(1)).astype(np.int64)
    outputs, kernel, _, inputs = slot.shape
    return signs(slot.seed, outputs, kernel, inputs).astype(np.int64).ravel()


# What a seed is asked for. Streams of different purposes are unrelated.
_ORDER, _INDEX, _FLIP, _REST = range(4)

_MASK64 = (1 << 64) - 1


def permutation(seed: int, count: int, purpose: int = _ORDER) -> np.ndarray:
    """Random permutation of ``count``: the order of as many 64-bit hashes."""
    return np.argsort(hashes(seed, purpose, count), kind="stable")


def hashes(seed: int, purpose: int, count: int) -> np.ndarray:
    """SplitMix64 from a state that ``seed`` and ``purpose`` give: uint64 array (count,).

    Ref: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
    """
    key = int(mixed(np.array([(seed << 8 | purpose) & _MASK64], np.uint64))[0])
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    return mixed(steps + np.uint64(key))


def mixed(z: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 on uint64, modulo 2**64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return z ^ (z >> np.uint64(31))

"""Weights drawn from a ring: word permutation, sign flips, balanced-ternary planes.

A *ring* is a short vector of int8 values that the weights of many layers are drawn from, 16 at a time (a *word*). Layer
``l`` reads its OHWI weights, N padded to a multiple of 16, as words: its word ``j`` is ring word
``(start + step*j) mod R``, and the sign of every element is flipped where the layer's stream of :mod:`spec.lfsr` has
a 1. Hardware holds a ring as *planes* of trits, ``w = sum of 3**p * t_p``, and runs it plane by plane.

Ref: Recurrent Parameter Generators (Wang et al., 2021), section 3; words instead of elements so that hardware can
follow the permutation with one addition.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spec.fields import checked
from spec.lfsr import SIGN_WORD, row_length, sign_factors
from spec.names import check_name
from spec.refusal import Refused

__all__ = [
    "PLANES_MAX", "RING_WORD", "WORDS_MAX", "Draw", "Ring", "check_rings", "check_values", "digits", "draws", "limit",
    "rings_from_json", "row_words", "unpack", "word_indices",
]

RING_WORD = SIGN_WORD  #: Elements of a word: as many as signs come at a time.
WORDS_MAX = (1 << 20) - 1  #: Most words of a ring.
PLANES_MAX = 5  #: Most planes: 3**5 levels are what int8 holds.


@dataclass(frozen=True)
class Ring:
    """A ring of ``words`` words and the layers that draw from it.

    Parameters
    ----------
    name : str
    words : int
        R, 1 to :data:`WORDS_MAX`.
    planes : int
        Balanced-ternary digits of a value, 1 to :data:`PLANES_MAX`: ``|w| <=`` :func:`limit`.
    layers : tuple of str
        Names of the layers, in network order.

    Raises
    ------
    Refused
        On an impossible value.
    """

    name: str
    words: int
    planes: int
    layers: tuple[str, ...]

    def __post_init__(self):
        check_name(self.name, "A ring")
        if not 1 <= self.words <= WORDS_MAX:
            raise Refused(f"Ring {self.name} must have from 1 to {WORDS_MAX} words of {RING_WORD}, not {self.words!r}")
        if not 1 <= self.planes <= PLANES_MAX:
            raise Refused(f"Ring {self.name} must have from 1 to {PLANES_MAX} planes, not {self.planes!r}")

    @property
    def size(self) -> int:
        """M: values, the degrees of freedom that its layers share."""
        return RING_WORD * self.words


class Draw(NamedTuple):
    """Where a layer is on its ring of ``words`` words: word ``j`` is ring word ``(start + step*j) mod words``."""

    words: int
    start: int
    step: int


def limit(planes: int) -> int:
    """Largest magnitude of ``planes`` balanced-ternary digits: ``(3**planes - 1) / 2``."""
    return (3**planes - 1) // 2


def digits(values: np.ndarray, planes: int) -> np.ndarray:
    """Balanced-ternary digits: ``values = sum over p of 3**p * t_p``, ``t_p`` in {-1, 0, +1}.

    Returns
    -------
    int8 array (planes, *values.shape), lowest digit first

    Raises
    ------
    Refused
        If a value is beyond :func:`limit`.
    """
    rest = values.astype(np.int64)
    if np.abs(rest).max(initial=0) > limit(planes):
        raise Refused(f"Values must be from -{limit(planes)} to {limit(planes)} for {planes} planes, not {rest.min()} "
                      f"to {rest.max()}")
    trits = np.empty((planes, *values.shape), np.int8)
    for plane in range(planes):
        trits[plane] = (rest + 1) % 3 - 1
        rest = (rest - trits[plane]) // 3
    return trits


def row_words(shape: tuple[int, int, int, int]) -> int:
    """Words that one output channel of a layer of OHWI ``shape`` draws."""
    return row_length(shape[1], shape[3]) // RING_WORD


def draws(words: int, layers: Iterable[tuple[tuple[int, int, int, int], int]]) -> list[Draw]:
    """Where the layers of one ring are on it, given their shapes and seeds in network order.

    Each starts as many words on as the one before it has, whatever the steps; its own step is the first of
    ``seed mod R``, +1, +2, ... coprime with R (1 when R is 1).
    """
    found, start = [], 0
    for shape, seed in layers:
        step = seed % words if words > 1 else 1
        while math.gcd(step, words) != 1:
            step += 1
        found.append(Draw(words, start, step))
        start = (start + shape[0] * row_words(shape)) % words
    return found


def word_indices(shape: tuple[int, int, int, int], draw: Draw) -> np.ndarray:
    """Ring word of every word of a layer: int64 array (M, K, K, ceil(N/16))."""
    outputs, kernel, _, _ = shape
    j = np.arange(outputs * row_words(shape), dtype=np.int64)
    return ((draw.start + draw.step * j) % draw.words).reshape(outputs, kernel, kernel, -1)


def unpack(values: np.ndarray, shape: tuple[int, int, int, int], draw: Draw, seed: int) -> np.ndarray:
    """Weights of a layer drawn from the ring ``values`` (int8, (16*R,)): int8 array (M, K, K, N)."""
    outputs, kernel, _, inputs = shape
    drawn = values.reshape(-1, RING_WORD)[word_indices(shape, draw)]
    drawn = drawn.reshape(outputs, kernel, kernel, -1)[..., :inputs]
    return drawn * sign_factors(seed, outputs, kernel, inputs)


def check_values(ring: Ring, values: np.ndarray) -> None:
    """Refuse ``values`` that are not those of ``ring``: int8, (16*words,), in the range of its planes."""
    if values.dtype != np.int8 or values.shape != (ring.size,):
        raise Refused(f"Ring {ring.name} must be int8 ({ring.size},), not {values.dtype} {values.shape}")
    found = int(np.abs(values.astype(int)).max())
    if found > limit(ring.planes):
        raise Refused(
            f"Ring {ring.name} has a value of magnitude {found}, but {ring.planes} planes hold at most "
            f"{limit(ring.planes)}; quantize it to that or give it more planes"
        )


def check_rings(rings: Sequence[Ring], layers: Sequence[str], network: str) -> None:
    """Refuse ``rings`` unless each draws some of ``layers`` in order, and no layer draws from two."""
    names = [ring.name for ring in rings]
    if len(set(names)) != len(names):
        raise Refused(f"Rings of network {network!r} must have names of their own, not {names}")
    owner: dict[str, str] = {}
    for ring in rings:
        if not ring.layers:
            raise Refused(f"Ring {ring.name} of network {network!r} has no layers; leave it out")
        for name in ring.layers:
            if name not in layers:
                raise Refused(
                    f"Unknown layer {name!r} in ring {ring.name} of network {network!r}; its layers are {list(layers)}"
                )
            if name in owner:
                raise Refused(f"Layer {name} draws from ring {owner[name]} and again from ring {ring.name}; keep one")
            owner[name] = ring.name
        if list(ring.layers) != sorted(ring.layers, key=layers.index):
            raise Refused(f"Layers of ring {ring.name} must be in network order, not {list(ring.layers)}")


def rings_from_json(data, where: str) -> tuple[Ring, ...]:
    """Rings described by the list ``data``; an unknown, missing or ill-typed key is refused by name."""
    if not isinstance(data, list | tuple):
        raise Refused(f"Key {where} must be a list, not {data!r}")
    found = []
    for index, one in enumerate(data):
        fields = checked(one, Ring, f"{where}[{index}]")
        layers = fields["layers"]
        if not isinstance(layers, list | tuple) or any(type(name) is not str for name in layers):
            raise Refused(f"Key {where}[{index}].layers must be a list of layer names, not {layers!r}")
        found.append(Ring(**(fields | {"layers": tuple(layers)})))
    return tuple(found)

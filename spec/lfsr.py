"""The generator of the frozen signs: a 32-bit Galois LFSR, one stream per output channel.

``Lfsr.step`` is the definition. Every jump and leap network, in software and in silicon, is read off it
by running it on basis vectors; none is typed in.

Ref: Hidden-Fold Networks (IEEE Access 2023), section III; Hiddenite (ISSCC 2022): weights from a seed.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spec.refusal import Refused

__all__ = ["ROW_STRIDE", "SIGNS", "SIGN_WORD", "Lfsr", "layer_seed", "row_length", "sign_factors", "signs"]

#: J: positions of the sign stream between the starts of two output channels (prime, coprime with the period).
ROW_STRIDE = 65521

#: Signs a state holds ahead: its low 16 bits are the next 16 outputs, lowest first.
SIGN_WORD = 16

_MASK32 = 0xFFFF_FFFF


@dataclass(frozen=True)
class Lfsr:
    """Right-shifting Galois LFSR: ``out = s & 1; s >>= 1; if out: s ^= taps``.

    Parameters
    ----------
    width : int
        Bits of state.
    taps : int
        Feedback mask. All taps lie in the top ``width - lookahead`` bits, so the low bits are future outputs.
    """

    width: int
    taps: int

    def step(self, state):
        """State after one output. Works on an int and on an array of unsigned integers alike."""
        out = state & 1
        return (state >> 1) ^ (out * self.taps)

    def columns(self, steps: int) -> tuple[int, ...]:
        """Image of each basis state after ``steps`` steps: the columns of ``A**steps`` over GF(2)."""
        return _columns(self, steps)

    def rows(self, steps: int) -> tuple[int, ...]:
        """For each bit of ``A**steps * s``, the mask of the bits of ``s`` whose XOR it is."""
        columns = self.columns(steps)
        return tuple(
            sum(((column >> bit) & 1) << source for source, column in enumerate(columns))
            for bit in range(self.width)
        )

    def jump(self, state, steps: int):
        """State (an int or an array of uint64) after ``steps`` steps, in time independent of ``steps``."""
        return _apply(self.columns(steps), state)


@lru_cache(maxsize=256)
def _columns(lfsr: Lfsr, steps: int) -> tuple[int, ...]:
    if steps == 0:
        return tuple(1 << bit for bit in range(lfsr.width))
    half = _columns(lfsr, steps // 2)
    doubled = tuple(_apply(half, column) for column in half)
    return tuple(lfsr.step(column) for column in doubled) if steps % 2 else doubled


def _apply(columns: tuple[int, ...], state):
    """XOR of the columns selected by the bits of ``state``."""
    result = state & 0
    for bit, column in enumerate(columns):
        result = result ^ (((state >> bit) & 1) * column)
    return result


#: The generator of all frozen signs. Primitive: period 2**32 - 1.
SIGNS = Lfsr(width=32, taps=0xA300_0000)


def layer_seed(net_seed: int, layer: int) -> int:
    """Seed of weight tensor number ``layer`` (from 0, in network order) of the network seeded ``net_seed``.

    Raises
    ------
    Refused
        If ``net_seed`` is not a 32-bit unsigned integer or ``layer`` is negative.
    """
    if not 0 <= net_seed <= _MASK32:
        raise Refused(f"Network seed must be an integer from 0 to {_MASK32}, not {net_seed!r}")
    if layer < 0:
        raise Refused(f"Layer index must be zero or more, not {layer!r}")
    z = (net_seed + (layer + 1) * 0x9E37_79B9) & _MASK32
    z ^= z >> 16
    z = z * 0x21F0_AAAD & _MASK32
    z ^= z >> 15
    z = z * 0x735A_2D97 & _MASK32
    z ^= z >> 15
    return z or 1


def row_length(kernel: int, inputs: int) -> int:
    """Signs one output channel consumes: ``K*K*N16``, where ``N16 = 16*ceil(N/16)``."""
    return kernel * kernel * SIGN_WORD * -(-inputs // SIGN_WORD)


def signs(seed: int, outputs: int, kernel: int, inputs: int) -> np.ndarray:
    """Frozen signs of one weight tensor.

    Weight ``(m, ky, kx, n)`` is output ``t = (ky*K + kx)*N16 + n`` of the stream that starts at
    ``A**(J*m) * seed``. 1 means the weight is -1.

    Returns
    -------
    uint8 array, shape (outputs, kernel, kernel, inputs)

    Raises
    ------
    Refused
        If the seed is not a non-zero 32-bit value or one row would run into the next one's stream.
    """
    if not 0 < seed <= _MASK32:
        raise Refused(f"Layer seed must be an integer from 1 to {_MASK32}, not {seed!r}")
    length = row_length(kernel, inputs)
    if length > ROW_STRIDE:
        raise Refused(
            f"A row of {kernel}x{kernel}x{inputs} weights needs {length} signs, but rows start only "
            f"{ROW_STRIDE} apart; use fewer input channels or a smaller kernel"
        )
    starts = np.empty(outputs, np.uint64)
    state = seed
    for row in range(outputs):
        starts[row] = state
        state = SIGNS.jump(state, ROW_STRIDE)
    words = np.empty((outputs, length // SIGN_WORD), "<u2")
    states = starts
    for word in range(words.shape[1]):
        words[:, word] = states & 0xFFFF
        states = SIGNS.jump(states, SIGN_WORD)
    bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")
    return bits.reshape(outputs, kernel, kernel, -1)[..., :inputs]


def sign_factors(seed: int, outputs: int, kernel: int, inputs: int) -> np.ndarray:
    """What the signs multiply weights by, ``1 - 2*signs``: int8 array; refuses what :func:`signs` refuses."""
    factors = signs(seed, outputs, kernel, inputs).astype(np.int8)
    factors *= -2
    factors += 1
    return factors

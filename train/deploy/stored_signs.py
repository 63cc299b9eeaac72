"""Signs that are stored, for layers whose signs are not those of the accelerator's generator.

A ring of one plane with as many words as a layer has holds any trits: its words come in another order, for ``step`` is
coprime with their number, and the flips of :mod:`spec.ring` are known. So such a layer draws from a ring of its own,
solved for its trits: 2 bits per weight on chip instead of 1, at the speed of mode ``any``. Weights of several
magnitudes are planes more of the same.
"""

from collections.abc import Mapping

import numpy as np

from spec.layer import Layer
from spec.lfsr import sign_factors
from spec.network import Network
from spec.refusal import Refused
from spec.ring import RING_WORD, WORDS_MAX, Ring, row_words, word_indices
from spec.topologies import drawn

__all__ = ["ring_values", "with_stored_signs"]


def with_stored_signs(network: Network, layers: Mapping[str, int]) -> Network:
    """``network`` (of masks) with each of ``layers`` drawing from a ring of its own, called as the layer is, of so many
    planes.

    Raises
    ------
    Refused
        If a layer has more words than a ring.
    """
    rings = []
    for name, planes in layers.items():
        layer = network.layer(name)
        words = layer.outputs * row_words(layer.shape)
        if words > WORDS_MAX:
            raise Refused(
                f"Layer {name} has {words:,} words of {RING_WORD} weights with stored signs, but a ring holds at most "
                f"{WORDS_MAX:,}: about {WORDS_MAX * RING_WORD:,} weights; use a narrower network"
            )
        rings.append(Ring(name, words, planes, (name,)))
    return drawn(network, *rings)


def ring_values(network: Network, layer: Layer, weights: np.ndarray) -> np.ndarray:
    """Values of the ring of ``layer`` from which :func:`spec.ring.unpack` draws ``weights``.

    Parameters
    ----------
    network : Network
        From :func:`with_stored_signs`; ``layer`` is one of its layers.
    weights : int8 array (M, K, K, N)

    Returns
    -------
    int8 array (16 * words,)
    """
    outputs, kernel, _, inputs = layer.shape
    flips = sign_factors(network.seed_of(layer), outputs, kernel, inputs)
    padded = np.pad(weights * flips, [(0, 0)] * 3 + [(0, -inputs % RING_WORD)])
    values = np.empty((layer.ring.words, RING_WORD), np.int8)
    indices = word_indices(layer.shape, network.draws[layer.name])
    values[indices] = padded.reshape(*indices.shape, RING_WORD)
    return values.ravel()

"""Rings: digits, the word permutation and the flips against slow loops over the definition, and every refusal."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spec.block import Block, Stem
from spec.lfsr import SIGNS, layer_seed
from spec.network import Network
from spec.refusal import Refused
from spec.ring import (
    PLANES_MAX,
    RING_WORD,
    WORDS_MAX,
    Draw,
    Ring,
    check_values,
    digits,
    draws,
    limit,
    unpack,
    word_indices,
)
from spec.supermask import Mode
from spec.topologies import drawn, residual_network, rings_of_stages, rpg

SHAPES = [(4, 3, 3, 8), (5, 1, 1, 33), (3, 3, 3, 20), (10, 1, 1, 16)]


def test_limits():
    assert [limit(planes) for planes in range(1, PLANES_MAX + 1)] == [1, 4, 13, 40, 121]


@given(st.integers(1, PLANES_MAX), st.data())
def test_digits_add_up(planes, data):
    values = np.array(data.draw(st.lists(st.integers(-limit(planes), limit(planes)), min_size=1)))
    trits = digits(values, planes)
    assert trits.dtype == np.int8
    assert set(trits.ravel().tolist()) <= {-1, 0, 1}
    assert sum(3**p * trits[p].astype(int) for p in range(planes)).tolist() == values.tolist()


def test_digits_by_hand():
    """7 = 9 - 3 + 1, -5 = -9 + 3 + 1."""
    assert digits(np.array([7, -5, 0, 13]), 3).T.tolist() == [[1, -1, 1], [1, 1, -1], [0, 0, 0], [1, 1, 1]]
    with pytest.raises(Refused, match=r"Values must be from -4 to 4 for 2 planes, not 5 to 5"):
        digits(np.array([5]), 2)


def slow_draws(words, shapes, seeds):
    """(start, step) of every layer, by definition."""
    total = 0
    for shape, seed in zip(shapes, seeds, strict=True):
        step = seed % words
        while words > 1 and any(step % p == 0 and words % p == 0 for p in range(2, words + 1)):
            step += 1
        yield total % words, 1 if words == 1 else step % words
        total += shape[0] * shape[1] * shape[2] * math.ceil(shape[3] / 16)


def slow_unpack(values, words, start, step, shape, seed):
    """Weight by weight, with the stream of every row stepped one output at a time."""
    outputs, kernel, _, inputs = shape
    padded = 16 * math.ceil(inputs / 16)
    weights = np.zeros(shape, int)
    for m in range(outputs):
        state = SIGNS.jump(seed, 65521 * m)
        for t in range(kernel * kernel * padded):
            j, n = m * kernel * kernel * padded // 16 + t // 16, t % padded
            if n < inputs:
                ky, kx = divmod(t // padded, kernel)
                value = int(values[16 * ((start + step * j) % words) + t % 16])
                weights[m, ky, kx, n] = -value if state & 1 else value
            state = SIGNS.step(state)
    return weights


@pytest.mark.parametrize("words", [1, 2, 6, 7, 12, 64, 97, 1000])
def test_layers_against_loops(words):
    """Rings smaller and larger than the layers, prime and highly composite."""
    seeds = [layer_seed(words, index) for index in range(len(SHAPES))]
    found = draws(words, zip(SHAPES, seeds, strict=True))
    assert [draw[1:] for draw in found] == list(slow_draws(words, SHAPES, seeds))
    values = np.random.default_rng(words).integers(-121, 122, 16 * words, dtype=np.int8)
    for draw, shape, seed in zip(found, SHAPES, seeds, strict=True):
        weights = unpack(values, shape, draw, seed)
        assert weights.dtype == np.int8
        assert np.array_equal(weights, slow_unpack(values, words, draw.start, draw.step, shape, seed))


@given(st.integers(1, WORDS_MAX), st.integers(1, (1 << 32) - 1))
def test_every_word_is_drawn_equally_often(words, seed):
    """The step is coprime with the ring, so R words in a row are all different."""
    draw, = draws(words, [((1, 1, 1, 16), seed)])
    assert 1 <= draw.step <= max(1, words - 1)
    indices = word_indices((min(words, 500), 1, 1, 16), draw)
    assert len(np.unique(indices)) == indices.size


def test_steps_by_hand():
    """Of seed 12: 12 mod 10 = 2, so 3; 12 mod 9 = 3, so 4; 12 mod 6 = 0, so 1; a ring of one word has step 1."""
    assert [draws(words, [((1, 1, 1, 1), 12)])[0].step for words in (10, 9, 6, 5, 1)] == [3, 4, 1, 2, 1]
    assert draws(5, [((2, 3, 3, 17), 12), ((1, 1, 1, 1), 7)])[1] == Draw(5, 36 % 5, 2)


def test_check_values_of_a_network():
    """Draws of all layers, and first and last weights of the second, computed once by the loops above."""
    network = rpg(residual_network("t", image=(4, 4, 1), classes=3, widths=(4, 8), iterations=(0, 2), seed=5), words=7)
    assert {name: tuple(draw) for name, draw in network.draws.items()} == {
        "stage1.entry.conv1": (7, 0, 6), "stage1.entry.conv2": (7, 1, 1), "stage2.entry.shortcut": (7, 2, 6),
        "stage2.entry.conv1": (7, 3, 4), "stage2.entry.conv2": (7, 5, 6), "stage2.fold.conv1": (7, 0, 1),
        "stage2.fold.conv2": (7, 2, 3),
    }
    seed = network.seed_of(network.layer("stage1.entry.conv2"))
    values = np.arange(-56, 56, dtype=np.int8)
    weights = unpack(values, (4, 3, 3, 4), network.draws["stage1.entry.conv2"], seed)
    assert weights[0, 0].tolist() == [[40, 39, 38, -37], [-24, -23, 22, 21], [-8, 7, -6, -5]]
    assert weights[3, 2, 2].tolist() == [40, -39, 38, 37]


# Which layers draw from what.


def test_layers_know_their_ring():
    network = rings_of_stages(
        residual_network("t", image=(8, 8, 1), classes=10, widths=(8, 16), iterations=(2, 0), mode=Mode.ONE_OF_FOUR),
        words=10, planes=3, parts=("shortcut", "classifier"),
    )
    assert [ring.name for ring in network.rings] == ["stage1", "stage2", "ends"]
    assert network.rings[2].layers == ("classifier",)
    assert network.layers[0].ring is None
    assert (network.layers[0].passes, network.layers[0].planes) == (2, 1)
    for layer in network.layers[1:]:
        assert layer.ring is not None
        assert (layer.mode, layer.planes, layer.passes) == (Mode.ANY, 3, 6)
        assert layer.widths == (32, 40)
    assert set(network.modes) == {"stem"}
    assert Network.from_json(network.to_json()) == network


def test_parts_of_the_paper():
    """All convolutions of the blocks, shortcuts too; stem and classifier have masks."""
    plain = residual_network("t", image=(8, 8, 1), classes=10, widths=(8, 16), iterations=(2, 0))
    network = rpg(plain, words=10)
    assert [layer.name for layer in network.layers if layer.ring is None] == ["stem", "classifier"]
    assert rpg(plain, words=10, parts=()).layer("stage2.entry.shortcut").ring is None
    with pytest.raises(Refused, match="some of stem, shortcut, classifier, not 'fc'"):
        rpg(plain, words=10, parts=("fc",))


def network(*rings, **modes):
    blocks = (Block("b", 8),)
    names = {"stem": Mode.ANY, "classifier": Mode.ANY} | modes
    return Network("n", 1, (4, 4, 1), Stem(3, 1, 1, 8), blocks, 2, 0.5, names, rings)


BOTH = ("b.conv1", "b.conv2")


@pytest.mark.parametrize(("make", "sentence"), [
    (lambda: Ring("r", 0, 5, BOTH), "Ring r must have from 1 to 1048575 words of 16, not 0"),
    (lambda: Ring("r", 1 << 20, 5, BOTH), "Ring r must have from 1 to 1048575 words of 16, not 1048576"),
    (lambda: Ring("r", 1, 0, BOTH), "Ring r must have from 1 to 5 planes, not 0"),
    (lambda: Ring("r", 1, 6, BOTH), "Ring r must have from 1 to 5 planes, not 6"),
    (lambda: Ring("", 1, 1, BOTH), "A ring must have a name"),
    (lambda: network(Ring("r", 1, 1, BOTH[:1])), "Layer 'b.conv2' of network 'n' has no mode; .* or put it"),
    (lambda: network(Ring("r", 1, 1, BOTH), **{"b.conv1": Mode.ANY}), "b.conv1 .* has mode any and draws from ring r"),
    (lambda: network(Ring("r", 1, 1, (*BOTH, "b.conv3"))), "Unknown layer 'b.conv3' in ring r of network 'n'"),
    (lambda: network(Ring("r", 1, 1, BOTH[::-1])), "Layers of ring r must be in network order"),
    (lambda: network(Ring("r", 1, 1, ()), **dict.fromkeys(BOTH, Mode.ANY)), "Ring r of network 'n' has no layers"),
    (lambda: network(Ring("r", 1, 1, BOTH), Ring("s", 1, 1, BOTH[1:])), "b.conv2 draws from ring r and again"),
    (lambda: network(Ring("r", 1, 1, BOTH[:1]), Ring("r", 1, 1, BOTH[1:])), "must have names of their own"),
    (lambda: drawn(network(Ring("r", 1, 1, BOTH)), Ring("r", 1, 1, BOTH[:1])), "Layer 'b.conv2' .* has no mode"),
])
def test_impossible_rings_are_refused(make, sentence):
    with pytest.raises(Refused, match=sentence):
        make()


@pytest.mark.parametrize(("values", "sentence"), [
    (np.zeros(32, np.int16), r"Ring r must be int8 \(32,\), not int16 \(32,\)"),
    (np.zeros(48, np.int8), r"Ring r must be int8 \(32,\), not int8 \(48,\)"),
    (np.full(32, -14, np.int8), "Ring r has a value of magnitude 14, but 3 planes hold at most 13"),
    (np.full(32, -128, np.int8), "Ring r has a value of magnitude 128, but 3 planes hold at most 13"),
])
def test_wrong_values_are_refused(values, sentence):
    ring = Ring("r", 2, 3, BOTH)
    assert ring.size == 2 * RING_WORD
    check_values(ring, np.full(32, -13, np.int8))
    with pytest.raises(Refused, match=sentence):
        check_values(ring, values)


@pytest.mark.parametrize(("data", "sentence"), [
    (5, "Key network.rings must be a list, not 5"),
    ([5], r"Key network.rings\[0\] must be an object"),
    ([{"name": "r", "words": 1, "planes": 1}], r"Missing key network.rings\[0\].layers"),
    ([{"name": "r", "words": 1, "planes": 1, "layers": "b"}], r"network.rings\[0\].layers must be a list of"),
    ([{"name": "r", "words": "1", "planes": 1, "layers": []}], r"network.rings\[0\].words must be of type int"),
    ([{"name": "r", "words": 1, "planes": 9, "layers": []}], "Ring r must have from 1 to 5 planes, not 9"),
])
def test_bad_json_is_refused(data, sentence):
    described = network(Ring("r", 1, 1, BOTH)).to_json()
    with pytest.raises(Refused, match=sentence):
        Network.from_json(described | {"rings": data})

"""Stored signs: any trits, and weights of several magnitudes, come back from the ring that is solved for them."""

import numpy as np
import pytest

from spec.refusal import Refused
from spec.ring import WORDS_MAX, limit, unpack
from spec.topologies import residual_network
from train.deploy.stored_signs import ring_values, with_stored_signs


def network(widths=(20, 24)):
    return residual_network("t", image=(8, 8, 1), classes=10, widths=widths, iterations=(0, 2), seed=9)


@pytest.mark.parametrize("planes", [1, 3])
@pytest.mark.parametrize("name", ["stem", "stage2.fold.conv1", "stage2.entry.shortcut", "classifier"])
def test_any_weights_come_back(name, planes):
    stored = with_stored_signs(network(), {name: planes})
    layer = stored.layer(name)
    most = limit(planes)
    weights = np.random.default_rng(3).integers(-most, most + 1, layer.shape).astype(np.int8)
    values = ring_values(stored, layer, weights)
    assert values.shape == (layer.ring.size,)
    assert layer.ring.planes == planes
    assert np.array_equal(unpack(values, layer.shape, stored.draws[name], stored.seed_of(layer)), weights)
    assert [other.name for other in stored.layers if other.ring] == [name]


def test_a_layer_too_large_is_refused():
    wide = network((4, 1366))  # 1366 rows of 9 * 86 words
    assert WORDS_MAX < 1366 * 9 * 86
    with pytest.raises(Refused, match=r"Layer stage2\.fold\.conv1 has 1,057,284 words .* at most 1,048,575"):
        with_stored_signs(wide, {"stage2.fold.conv1": 1})

"""Stored signs: any trits come back from the ring that is solved for them."""

import numpy as np
import pytest

from spec.refusal import Refused
from spec.ring import WORDS_MAX, unpack
from spec.topologies import residual_network
from train.deploy.stored_signs import ring_values, with_stored_signs


def network(widths=(20, 24)):
    return residual_network("t", image=(8, 8, 1), classes=10, widths=widths, iterations=(0, 2), seed=9)


@pytest.mark.parametrize("name", ["stem", "stage2.fold.conv1", "stage2.entry.shortcut", "classifier"])
def test_any_trits_come_back(name):
    stored = with_stored_signs(network(), [name])
    layer = stored.layer(name)
    trits = np.random.default_rng(3).integers(-1, 2, layer.shape).astype(np.int8)
    values = ring_values(stored, layer, trits)
    assert values.shape == (layer.ring.size,)
    assert layer.ring.planes == 1
    assert np.array_equal(unpack(values, layer.shape, stored.draws[name], stored.seed_of(layer)), trits)
    assert [other.name for other in stored.layers if other.ring] == [name]


def test_a_layer_too_large_is_refused():
    wide = network((4, 345))  # 345 rows of 9 * 22 words
    assert WORDS_MAX < 345 * 9 * 22
    with pytest.raises(Refused, match=r"Layer stage2\.fold\.conv1 has 68,310 words .* at most 65,535: about 1,048,560"):
        with_stored_signs(wide, ["stage2.fold.conv1"])

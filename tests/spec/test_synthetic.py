"""Synthetic models: reproducible, and alive enough to exercise hardware."""

import numpy as np
import pytest

from spec.golden import run
from spec.model import load, save
from spec.ring import limit
from spec.supermask import Mode, keep_count
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, resnet, rpg


def network(mode: Mode = Mode.ANY, **changes):
    arguments = {"image": (8, 8, 1), "classes": 10, "widths": (16, 32), "iterations": (0, 2), "mode": mode}
    return residual_network("digits", **arguments | changes)


def test_images_come_from_the_seed():
    images = random_images(network(image=(5, 6, 2)), 7, seed=3)
    assert (images.shape, images.dtype) == ((7, 5, 6, 2), np.uint8)
    assert np.array_equal(images, random_images(network(image=(5, 6, 2)), 7, seed=3))
    assert not np.array_equal(images, random_images(network(image=(5, 6, 2)), 7, seed=4))
    assert (images.min(), images.max()) == (0, 255)


def test_model_comes_from_the_seed(tmp_path):
    model = synthetic_model(network(), 3)
    assert model.hash == synthetic_model(network(), 3).hash
    assert model.hash != synthetic_model(network(), 4).hash
    assert load(save(model, tmp_path / "m")).hash == model.hash
    assert model.provenance == {"recipe": "synthetic", "seed": 3}


@pytest.mark.parametrize("density", [0.1, 0.3, 0.5])
def test_masks_have_the_density(density):
    model = synthetic_model(network(density=density), 3)
    for layer in model.network.layers:
        assert model.masks[layer.name].sum() == keep_count(layer.weight_count, density)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("seed", range(3))
def test_no_map_is_dead_or_saturated(mode, seed):
    """On images it was not calibrated on: every map varies, mostly inside its range, and channels differ."""
    model = synthetic_model(network(mode, iterations=(1, 3)), seed)
    trace = run(model, random_images(model.network, 8, seed=100 + seed))
    for stored in trace.stored:
        low, high = (-128, 127) if stored.values.dtype == np.int8 else (0, 255)
        inside = (stored.values > low) & (stored.values < high)
        assert inside.mean() > 0.25, stored.layer.name
        assert (stored.values == high).mean() < 0.5, stored.layer.name
        assert stored.values.std() > 10, stored.layer.name
        assert len(np.unique(stored.values)) > 50, stored.layer.name
        alive = np.ptp(stored.values.astype(int), axis=(0, 1, 2)) > 0
        assert alive.mean() > 0.75, stored.layer.name
    assert len({tuple(row) for row in trace.logits.tolist()}) == 8


@pytest.mark.parametrize(("bits", "distinct"), [(4, 14), (6, 50)])
def test_fewer_bits_are_used_whole(bits, distinct):
    """Both kinds of map fill their narrower range, as bytes fill theirs."""
    model = synthetic_model(network(iterations=(1, 3)), 1, bits=bits)
    assert model.bits == bits
    for stored in run(model, random_images(model.network, 8, seed=101)).stored:
        low = -(2 ** (bits - 1)) if stored.values.dtype == np.int8 else 0
        assert stored.values.min() >= low
        assert stored.values.max() == low + 2**bits - 1, stored.layer.name
        assert (stored.values == stored.values.max()).mean() < 0.5, stored.layer.name
        assert len(np.unique(stored.values)) >= distinct, stored.layer.name


@pytest.mark.parametrize("planes", [1, 3, 5])
def test_rings_are_alive(planes):
    """They use all values that their planes hold, and no map that they make is dead or saturated."""
    model = synthetic_model(rpg(network(), words=40, planes=planes), 1)
    values = model.rings["ring"]
    assert (values.min(), values.max()) == (-limit(planes), limit(planes))
    for stored in run(model, random_images(model.network, 4, seed=100)).stored:
        high = 127 if stored.values.dtype == np.int8 else 255
        assert (stored.values == high).mean() < 0.5, stored.layer.name
        assert stored.values.std() > 10, stored.layer.name


@pytest.mark.parametrize("image", [32, 224])
def test_deep_folds_stay_alive(image):
    """35 iterations of a folded block on a narrow network, with and without the max pool."""
    model = synthetic_model(resnet(152, width=4, image=image, classes=10, mode=Mode.TWO_OF_FOUR), 2, 1)
    trace = run(model, random_images(model.network, 1, seed=8))
    for stored in trace.stored:
        high = 127 if stored.values.dtype == np.int8 else 255
        assert (stored.values == high).mean() < 0.6, (stored.layer.name, stored.iteration)
        assert stored.values.std() > 10, (stored.layer.name, stored.iteration)


def test_iterations_have_entries_of_their_own():
    numbers = synthetic_model(network(iterations=(0, 3)), 3).requantizations["stage2.fold.conv1"]
    assert numbers.multiplier.shape == (3, 32)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (numbers.multiplier[a] != numbers.multiplier[b]).mean() > 0.5
        assert (numbers.bias[a] != numbers.bias[b]).mean() > 0.5

"""The deployed torch model stores what the golden model stores, value for value."""

import numpy as np
import pytest
import torch

from spec import golden, vectors
from spec.block import Block, Kind, Stem
from spec.hourglass import hourglass
from spec.network import Head, Network
from spec.numerics import requantize
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg
from train.deploy.deployed import DeployedNet


def networks():
    """Networks with folds, signed shortcuts, odd maps, wide and strided stems, and no block at all."""
    for mode in Mode:
        yield f"folded-{mode}", residual_network(
            "folded", image=(8, 8, 1), classes=10, widths=(4, 8, 12), iterations=(0, 3, 2), mode=mode, seed=7
        )
    yield "colour", residual_network("colour", image=(9, 7, 3), classes=3, widths=(8, 8), iterations=(2, 1), seed=1)
    yield "stem-5-stride-2", Network(
        "stem", 3, (11, 10, 2), Stem(5, 2, 2, 6), (Block("a", 5, stride=2), Block("b", 5, iterations=4)), 4, 0.4,
        dict.fromkeys(["stem", "a.shortcut", "a.conv1", "a.conv2", "b.conv1", "b.conv2", "classifier"], Mode.ANY),
    )
    yield "bottleneck", residual_network(
        "bottleneck", image=(8, 8, 1), classes=10, widths=(16, 32), iterations=(2, 3), kind=Kind.BOTTLENECK,
        mode=Mode.ONE_OF_FOUR, stem=Stem(3, 1, 1, 8), seed=2,
    )
    yield "pooled", residual_network(
        "pooled", image=(24, 24, 3), classes=10, widths=(16, 32), iterations=(1, 2), kind=Kind.BOTTLENECK,
        stem=Stem(7, 2, 3, 8, True), seed=3,
    )
    plain = residual_network("ring", image=(8, 8, 1), classes=10, widths=(6, 9), iterations=(2, 0), seed=4)
    yield "ring", rpg(plain, words=13, planes=5, parts=("stem", "shortcut"))
    yield "hourglass", hourglass("hourglass", image=(11, 14, 1), joints=3, width=8, depth=2, stacks=2, seed=5)
    yield "shared", hourglass(
        "shared", image=(11, 14, 1), joints=3, width=8, depth=2, stacks=3, iterations=2, seed=5, shared=True
    )
    modes = {"stem": Mode.ANY, "classifier": Mode.ANY}
    yield "bare", Network("bare", 0, (4, 4, 1), Stem(3, 1, 0, 4), (), 2, 0.5, modes)


def test_kernels_of_several_layers_are_one():
    network = dict(networks())["shared"]
    net = DeployedNet(synthetic_model(network, 1))
    for layer in network.layers:
        assert net.kernels[layer.name] is net.kernels[layer.tensor]


@pytest.mark.parametrize(("network", "seed", "bits"), [
    pytest.param(network, seed, bits, id=f"{name}-{seed}-{bits}")
    for name, network in networks() for seed, bits in ((0, 8), (1, 8), (2, 8), (3, 6), (4, 4))
])
def test_every_stored_activation_is_the_golden_one(network, seed, bits):
    model = synthetic_model(network, seed, bits=bits)
    images = random_images(network, 5, seed + 100)
    want, got = golden.run(model, images), DeployedNet(model).run(images)
    assert vectors.difference(want, got) is None
    assert [(s.layer, s.iteration, s.values.dtype) for s in got.stored] == [
        (s.layer, s.iteration, s.values.dtype) for s in want.stored
    ]
    assert got.logits.dtype == want.logits.dtype == (np.int8 if network.head is Head.MAPS else np.int32)
    assert len(got.stored) == len(network.steps) - 1


def test_requantize_is_one_function_on_arrays_and_tensors():
    rng = np.random.default_rng(0)
    acc = rng.integers(-(1 << 20), 1 << 20, (1000, 8))
    multiplier, bias = rng.integers(-2048, 2048, 8), rng.integers(-(1 << 19), 1 << 19, 8)
    residual = rng.integers(-128, 128, (1000, 8))
    for shift, bias_shift, residual_shift, signed in ((1, 0, 1, True), (12, 3, 0, False), (20, 7, 3, True)):
        shifts = {"shift": shift, "bias_shift": bias_shift, "residual_shift": residual_shift, "signed": signed}
        want = requantize(acc, multiplier, bias, residual, **shifts)
        tensors = [torch.from_numpy(array) for array in (acc, multiplier, bias, residual)]
        assert np.array_equal(requantize(*tensors, **shifts).numpy(), want)


def test_accuracy_counts_lowest_index_on_ties():
    network = residual_network("t", image=(8, 8, 1), classes=10, widths=(4,), iterations=(0,))
    model = synthetic_model(network, 0)
    images = random_images(network, 10, 1)
    classes = golden.run(model, images).classes
    assert DeployedNet(model).accuracy(images, classes, batch=4) == 1.0
    assert DeployedNet(model).accuracy(images, np.where(np.arange(10) < 3, classes, -1), batch=4) == 0.3


def test_foreign_images_are_refused():
    network = residual_network("t", image=(8, 8, 1), classes=10, widths=(4,), iterations=(0,))
    net = DeployedNet(synthetic_model(network, 0))
    with pytest.raises(Refused, match=r"must be uint8 \(count, 8, 8, 1\), not float32"):
        net.run(np.zeros((1, 8, 8, 1), np.float32))

"""Every kind of network from its configuration; the same seed, the same network; what it has not is refused."""

import dataclasses

import pytest
import torch

from spec.refusal import Refused
from train.nets.addressing import Addressing
from train.nets.build import built, trainable
from train.nets.config import REPEATED, VIT, Method, ModelConfig
from train.nets.fake_quantize import FakeQuantNet
from train.nets.model import HiddenFoldNet
from train.nets.repeated import RepeatedNet, Sharing
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import Rings, Scope
from train.nets.scales import Scales
from train.nets.vit import RpgViT

IMAGE = (8, 8, 1)
RINGS = Rings(320, Addressing.WORD)


def config(rings=RINGS, **settings):
    small = {"widths": (4, 8, 16), "iterations": (0, 1, 1), "width": 16}
    return ModelConfig.of(Method.DENSE, rings=rings, **(small | settings))


@pytest.mark.parametrize(("settings", "kind"), [
    ({}, RpgResNet), ({"rings": Rings(0)}, RpgResNet), ({"rings": None}, HiddenFoldNet),
    ({"network": "resnet18", "width": 4}, RpgResNet), ({"network": REPEATED}, RepeatedNet),
    ({"network": VIT, "rings": Rings(320, parts=("shortcut", "patches"))}, RpgViT),
    ({"network": VIT, "rings": None}, RpgViT),
])
def test_every_kind_of_network(settings, kind, images):
    model = built(config(**settings), "t", IMAGE, 10, 0)
    assert isinstance(model, kind)
    assert model(images).shape == (8, 10)


@pytest.mark.parametrize("network", ["small", VIT, REPEATED])
def test_without_values_all_weights_are_free(network):
    model = built(config(network=network), "t", IMAGE, 10, 0)
    drawn = sum(slot.weight_count for ring in model.rings for slot in ring.slots)
    assert drawn
    vanilla = built(config(Rings(0), network=network, sharing=Sharing.UNSHARED), "t", IMAGE, 10, 0)
    assert not len(vanilla.rings)
    free = sum(p.numel() for p in vanilla.parameters())
    assert free == sum(p.numel() for p in model.parameters()) - sum(ring.size for ring in model.rings) + drawn


def test_seeds_change_values_and_addresses():
    one, same, other, elsewhere = (
        built(config(net_seed=net_seed), "t", IMAGE, 10, seed).rings[0]
        for seed, net_seed in ((0, 0), (0, 0), (1, 0), (0, 1))
    )
    assert torch.equal(one.free, same.free)
    assert torch.equal(one.table, other.table)
    assert not torch.equal(one.free, other.free)
    assert not torch.equal(one.table, elsewhere.table)


def test_scales_round():
    hidden = ModelConfig(widths=(4, 8), iterations=(0, 2))
    network = hidden.topology("t", IMAGE, 10)
    scales = Scales(dict.fromkeys([layer.name for layer in network.layers], 0.1), {})
    assert isinstance(trainable(network, hidden, torch.Generator(), scales), FakeQuantNet)
    with pytest.raises(Refused, match="with rings cannot be fine-tuned"):
        trainable(network, dataclasses.replace(hidden, rings=RINGS), torch.Generator(), scales)


@pytest.mark.parametrize("network", [VIT, REPEATED])
def test_rings_that_a_network_has_not_are_refused(network):
    with pytest.raises(Refused, match=f"of kind {network} has no rings by stage"):
        built(config(Rings(320, scope=Scope.STAGE), network=network), "t", IMAGE, 10, 0)

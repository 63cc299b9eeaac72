"""A network, slots and a command line small enough for every test."""

import pytest
import torch

from spec.lfsr import layer_seed
from train.nets.addressing import Addressing, Slot
from train.nets.config import Method, ModelConfig
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import Scope, planned

_SHAPES = ((8, 3, 3, 5), (20, 1, 1, 8), (6, 3, 3, 20), (3, 1, 1, 6))


@pytest.fixture(scope="session")
def slots():
    """Four slots with channels that fill no words: 1,618 weights in all."""
    return tuple(Slot(f"slot{i}", shape, layer_seed(9, i)) for i, shape in enumerate(_SHAPES))


@pytest.fixture(scope="session")
def small_network():
    """``small_network(**settings)``: three stages of widths 4, 8, 16 for 8x8 images, without rings."""
    def build(image=(8, 8, 1), width=4, **settings):
        small = {"widths": (width, 2 * width, 4 * width), "iterations": (0, 1, 1)}
        return ModelConfig.of(Method.DENSE, net_seed=3, **(small | settings)).topology("small", image, 10)

    return build


@pytest.fixture(scope="session")
def small_rpg(small_network):
    """``small_rpg(dof=..., seed=..., **settings)``: ResNet-RPG of that network."""
    def build(dof=320, addressing=Addressing.ELEMENT, scope=Scope.GLOBAL, parts=("shortcut",), seed=0, **settings):
        network = small_network()
        plans = planned(network, dof=dof, addressing=addressing, scope=scope, parts=parts)
        generator = torch.Generator().manual_seed(seed)
        return RpgResNet(network, plans, addressing=addressing, generator=generator, **settings)

    return build


@pytest.fixture(scope="session")
def images():
    """Eight uint8 images of 8x8 pixels."""
    return torch.randint(0, 256, (8, 8, 8, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def tiny(tmp_path):
    """Options of an experiment of a second or two, on the digits."""
    return [
        "--dataset", "digits", "--shrink", "1", "--images", "200", "--epochs", "1", "--batch", "50", "--width", "4",
        "--device", "cpu", "--out", str(tmp_path / "out"),
    ]

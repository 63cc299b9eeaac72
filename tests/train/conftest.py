"""A run small enough to repeat: a second of training per mode, shared by the tests of what comes after it.

And networks that nobody trained, but with all of their batch norms at work.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from spec.lfsr import layer_seed
from spec.supermask import Mode
from spec.topologies import residual_network
from train import fit
from train.data import Dataset, load_dataset
from train.loop import checkpoint
from train.nets.addressing import Addressing, Slot
from train.nets.config import Method, ModelConfig
from train.nets.model import HiddenFoldNet
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import Rings

TINY = ["--widths", "4,8", "--iterations", "0,2", "--batch", "64", "--epochs", "2"]
_SHAPES = ((8, 3, 3, 5), (20, 1, 1, 8), (6, 3, 3, 20), (3, 1, 1, 6))


@pytest.fixture(autouse=True)
def one_thread():
    """Bits are reproducible on one thread only."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    return load_dataset("digits", Path("nowhere"))


@pytest.fixture(scope="session")
def tiny():
    """Command line of the small run, without mode and folder."""
    return TINY


@pytest.fixture(scope="session", params=list(Mode))
def trained(request, tmp_path_factory):
    """Checkpoint file of a small run, in every mode."""
    out = tmp_path_factory.mktemp(request.param)
    assert fit.main([*TINY, "--mode", request.param, "--out", str(out)]) == 0
    return out / "checkpoint.pt"


@pytest.fixture(scope="session")
def state(trained):
    """What that checkpoint holds."""
    return checkpoint.load(trained)


class Small(nn.Module):
    """A convolution, a batch norm and a classifier."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.out = nn.Linear(4, 2)

    def forward(self, images):
        x = functional.relu(self.norm(self.conv(images.permute(0, 3, 1, 2) / 255)))
        return self.out(x.mean((2, 3)))


@pytest.fixture(scope="session")
def small_net():
    """``small_net()``: a network of plain torch, the same one every time."""
    def make():
        torch.manual_seed(3)
        return Small()

    return make


@pytest.fixture(scope="session")
def halves():
    """Images brighter in their upper or in their lower half."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 200)
    images = rng.integers(0, 120, (200, 6, 6, 1), dtype=np.uint8)
    images[labels == 0, :3] += 100
    images[labels == 1, 3:] += 100
    return Dataset("halves", images[:160], labels[:160], images[160:], labels[160:], 2)


@pytest.fixture(scope="session")
def warm():
    """``warm(model, images)``: in evaluation mode, with random gammas and betas and the statistics of ``images``."""
    def run(model, images, adjust=None):
        generator = torch.Generator().manual_seed(5)
        model.train()
        with torch.no_grad():
            for hidden in model.convolutions:
                for norm in hidden.norms:
                    norm.weight.copy_(torch.empty_like(norm.weight).uniform_(-1.5, 1.5, generator=generator))
                    norm.bias.copy_(torch.empty_like(norm.bias).uniform_(-1, 1, generator=generator))
            if adjust:
                adjust(model)
            for _ in range(20):
                model(torch.from_numpy(images))
        return model.eval()

    return run


@pytest.fixture(scope="session")
def warmed(warm):
    """``warmed(images)``: an untrained network of three stages after :func:`warm`."""
    def build(images, mode=Mode.ANY, iterations=(2, 0, 3), adjust=None):
        network = residual_network("t", image=(8, 8, 1), classes=10, widths=(4, 4, 8), iterations=iterations, mode=mode)
        return warm(HiddenFoldNet(network, ModelConfig(affine=True), torch.Generator().manual_seed(4)), images, adjust)

    return build


@pytest.fixture(scope="session")
def floats():
    """``floats(model, images)``: what the float network would store, NHWC, in the order of a trace."""
    def run(model, images):
        seen = []
        with torch.no_grad():
            model(torch.from_numpy(images), lambda layer, t, values: seen.append(values.permute(0, 2, 3, 1)))
        return [values.double().numpy() for values in seen]

    return run


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
    """``small_rpg(dof=..., seed=..., outside=..., **settings)``: ResNet-RPG of that network."""
    def build(dof=320, addressing=Addressing.ELEMENT, seed=0, outside=Method.DENSE, **settings):
        config = ModelConfig.of(outside, rings=Rings(dof, addressing, **settings))
        return RpgResNet(small_network(), config, torch.Generator().manual_seed(seed))

    return build


@pytest.fixture(scope="session")
def images():
    """Eight uint8 images of 8x8 pixels."""
    return torch.randint(0, 256, (8, 8, 8, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def tiny_study(tmp_path):
    """Options of an experiment of a second or two, on the digits."""
    return [
        "--dataset", "digits", "--shrink", "1", "--images", "200", "--epochs", "1", "--batch", "50",
        "--widths", "4,8,16", "--device", "cpu", "--out", str(tmp_path / "out"),
    ]


@pytest.fixture
def trained_for(digits):
    """``trained_for(iterations, norm)``: a network whose batch norms have seen images, in evaluation mode."""
    def make(iterations, norm="ubn"):
        config = ModelConfig(norm=norm, widths=(4, 8), iterations=(0, iterations))
        model = HiddenFoldNet(config.topology("t", (8, 8, 1), 10), config, torch.Generator().manual_seed(1))
        for start in range(0, 256, 64):
            model(torch.from_numpy(digits.train_images[start : start + 64]))
        return model.eval()

    return make

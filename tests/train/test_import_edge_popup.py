"""Import of the public edge-popup code's networks, held to a network in that naming that shares nothing with ours."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from spec import model
from spec.refusal import Refused
from train import import_edge_popup
from train.import_edge_popup import Normalization, imported
from train.nets.config import Method, ModelConfig

SHAPE = ["--network", "small", "--widths", "8,16", "--iterations", "0,1", "--dataset", "digits"]


class Masked(nn.Conv2d):
    """Convolution of frozen weights ``+-constant`` under the mask of the largest ``density`` of its scores."""

    def __init__(self, inputs, outputs, kernel, stride=1, bias=False, constant=True):
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=bias)
        fan = inputs * kernel * kernel
        self.scores = nn.Parameter((2 * torch.rand_like(self.weight) - 1) / fan**0.5)
        if constant:
            self.weight.data = self.weight.data.sign() * (2 / fan) ** 0.5
        self.weight.requires_grad = False
        self.density = 0.3

    def kept(self):
        order = self.scores.abs().flatten().argsort()
        mask = torch.ones(len(order))
        mask[order[: int((1 - self.density) * len(order))]] = 0
        return mask.view_as(self.weight)

    def forward(self, x):
        straight = self.scores.abs()
        mask = self.kept() + straight - straight.detach()
        return functional.conv2d(x, self.weight * mask, self.bias, self.stride, self.padding)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, affine, projection, **more):
        super().__init__()
        self.conv1 = Masked(inputs, outputs, 3, stride, **more)
        self.bn1 = nn.BatchNorm2d(outputs, affine=affine)
        self.conv2 = Masked(outputs, outputs, 3, **more)
        self.bn2 = nn.BatchNorm2d(outputs, affine=affine)
        self.projection = projection if stride != 1 or inputs != outputs else None
        if self.projection:
            shortcut = nn.Sequential(Masked(inputs, outputs, 1, stride, **more), nn.BatchNorm2d(outputs, affine=affine))
            setattr(self, projection, shortcut)

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (getattr(self, self.projection)(x) if self.projection else x))


class PublicNet(nn.Module):
    """Two stages of widths 8 and 16; the second has two blocks. Takes what :meth:`normalized` gives."""

    def __init__(self, affine=False, projection="shortcut", mean=0.0, std=1.0, **more):
        super().__init__()
        self.mean, self.std = mean, std
        self.conv1 = Masked(1, 8, 3, **more)
        self.bn1 = nn.BatchNorm2d(8, affine=affine)
        self.layer1 = nn.Sequential(Block(8, 8, 1, affine, projection, **more))
        self.layer2 = nn.Sequential(
            Block(8, 16, 2, affine, projection, **more), Block(16, 16, 1, affine, projection, **more)
        )
        self.fc = Masked(16, 10, 1)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        return self.fc(self.layer2(self.layer1(x)).mean((2, 3), keepdim=True)).flatten(1)

    def normalized(self, images):
        """Of uint8 images (n, H, W, 1)."""
        return (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - self.mean) / self.std

    def fitted(self, images, labels, epochs=6):
        """Itself, its scores trained."""
        optimizer = torch.optim.Adam([p for p in self.parameters() if p.requires_grad], lr=0.02)
        x, y = self.normalized(images), torch.from_numpy(labels)
        generator = torch.Generator().manual_seed(0)
        for epoch in range(epochs):
            optimizer.param_groups[0]["lr"] = 0.02 * (1 - epoch / epochs)
            for chosen in torch.randperm(len(x), generator=generator).split(64):
                optimizer.zero_grad()
                functional.cross_entropy(self(x[chosen]), y[chosen]).backward()
                optimizer.step()
        return self.eval()

    @torch.no_grad()
    def accuracy(self, images, labels):
        return float((self(self.normalized(images)).argmax(1).numpy() == labels).mean())


def run(net, tmp_path, capsys, *options, wrap=lambda state: state):
    torch.save(wrap(net.state_dict()), tmp_path / "public.pt")
    command = ["--state", str(tmp_path / "public.pt"), "--out", str(tmp_path / "m.safetensors"), "--json"]
    assert import_edge_popup.main([*SHAPE, *command, *options]) == 0
    return json.loads(capsys.readouterr().out), model.load(tmp_path / "m.safetensors")


def trits_of(conv):
    """OHWI trits of a masked convolution of the public network."""
    return (conv.weight.sign() * conv.kept()).permute(0, 2, 3, 1).detach().numpy().astype(np.int8)


@pytest.mark.parametrize(("projection", "affine"), [("shortcut", False), ("downsample", True)])
def test_trits_are_equal_and_accuracy_is_close(digits, tmp_path, capsys, projection, affine):
    torch.manual_seed(1)
    net = PublicNet(affine, projection).fitted(digits.train_images, digits.train_labels)
    result, deployed = run(
        net, tmp_path, capsys,
        wrap=lambda state: {"epoch": 6, "state_dict": {f"module.{name}": value for name, value in state.items()}},
    )
    public = net.accuracy(digits.test_images, digits.test_labels)
    assert public > 0.5
    assert result["float_accuracy"] == pytest.approx(public, abs=1e-6)
    assert result["deployed_accuracy"] == pytest.approx(public, abs=0.01)
    assert result["lost"] == []
    block = net.layer2[0]
    for name, conv in (
        ("stage1.entry.conv2", net.layer1[0].conv2), ("stage2.entry.conv1", block.conv1),
        ("stage2.entry.shortcut", getattr(block, projection)[0]), ("stage2.block2.conv2", net.layer2[1].conv2),
        ("classifier", net.fc),
    ):
        assert np.array_equal(deployed.weights(name), trits_of(conv)), name
    assert np.array_equal(deployed.weights("stem"), trits_of(net.conv1).reshape(8, 1, 1, 9))


def test_biases_are_folded_into_batch_norms(digits):
    torch.manual_seed(2)
    net = PublicNet(affine=True, bias=True).fitted(digits.train_images, digits.train_labels, epochs=1)
    found, report = public_import(net, digits)
    x = digits.test_images[:20]
    with torch.no_grad():
        assert torch.allclose(found(torch.from_numpy(x)), net(net.normalized(x)), atol=1e-4)
    assert "bias of layer1.0.conv1, in its batch norm" in report.carried
    assert report.lost == []


def public_import(net, dataset, mean=(0.0,), std=(1.0,), more=None):
    config = ModelConfig.of(Method.HNN, widths=(8, 16), iterations=(0, 1))
    return imported(net.state_dict() | (more or {}), config, dataset, Normalization.of(mean, std, 1))


def test_a_deviation_is_exact_and_a_mean_differs_at_borders_only(digits):
    torch.manual_seed(3)
    net = PublicNet(mean=0.3, std=0.4).fitted(digits.train_images, digits.train_labels, epochs=1)
    found, report = public_import(net, digits, (0.3,), (0.4,))
    assert [sentence.split(":")[0] for sentence in report.lost] == ["padding of the first layer"]
    seen = []
    found(torch.from_numpy(digits.test_images[:8]), lambda layer, t, values: seen.append(values))
    with torch.no_grad():
        want = torch.relu(net.bn1(net.conv1(net.normalized(digits.test_images[:8]))))
    assert torch.allclose(seen[0][..., 1:-1, 1:-1], want[..., 1:-1, 1:-1], atol=1e-5)
    assert not torch.allclose(seen[0], want, atol=1e-2)


def test_what_is_lost_is_listed(digits, tmp_path, capsys):
    torch.manual_seed(4)
    net = PublicNet(constant=False).fitted(digits.train_images, digits.train_labels, epochs=1)
    net.register_buffer("extra", torch.zeros(1))
    result, _ = run(net, tmp_path, capsys)
    lost = " ".join(result["lost"])
    assert "magnitudes of layer2.1.conv1, which differ by up to" in lost
    assert "magnitudes of fc" not in lost
    assert "tensor extra: no layer of small has it" in result["lost"]


def test_different_deviations_become_one():
    normalization = Normalization.of((0.5, 0.4, 0.3), (0.2, 0.25, 0.32), 3)
    assert normalization.common == pytest.approx((0.2 * 0.25 * 0.32) ** (1 / 3))
    assert Normalization.of((0.5,), (0.2,), 3) == Normalization((0.5,) * 3, (0.2,) * 3)
    with pytest.raises(Refused, match="Option --mean must give 1 or 3 numbers, not 2"):
        Normalization.of((0.5, 0.4), (1.0,), 3)


@pytest.mark.parametrize(("options", "message"), [
    (["--affine"], "Unrecognized arguments: --affine"),
    (["--calibration", "0"], "Option --calibration must be from 1 to"),
    (["--calibration", "1348"], "Option --calibration must be at most the 1347 training images of digits, not 1348"),
    (["--std", "0"], "Option --std must be numbers with commas, more than 0 and at most 1000 each, not '0'"),
    (["--widths", "8,32"], r"Tensor layer2.0.shortcut.0.weight is \(16, 8, 1, 1\), but layer .* needs \(32, 8, 1, 1\)"),
])
def test_bad_options_are_refused(tmp_path, capsys, options, message):
    with pytest.raises(Refused, match=message):
        run(PublicNet().eval(), tmp_path, capsys, *options)
    assert not (tmp_path / "m.safetensors").exists()

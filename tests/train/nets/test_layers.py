"""Edge-popup against its formula, and a hidden layer against a plain convolution of spec's trits."""

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from spec.layer import Window
from spec.lfsr import signs
from spec.numerics import accumulate
from spec.supermask import Mode, keep_count, select
from spec.topologies import residual_network
from train.nets.layers import DenseConv, HiddenConv
from train.nets.norms import FoldedNorm, norms
from train.nets.weights import Weights, initial_weight, sigma_of


def hidden_conv(mode=Mode.ANY, name="stage1.entry.conv1", iterations=1):
    network = residual_network("t", image=(6, 6, 2), classes=4, widths=(8,), iterations=(0,), mode=mode, seed=5)
    layer = network.layer(name)
    window = network.stem if name == "stem" else layer
    window = Window(window.kernel, window.stride, window.pad)
    norm = torch.nn.ModuleList()
    if iterations:
        norm = norms(name, layer.outputs, iterations, folded=FoldedNorm.UBN, affine=False)
    return layer, network.seed_of(layer), HiddenConv(
        layer, window, norm, 0, kind=Weights.LFSR, seed=network.seed_of(layer), density=network.density,
        generator=torch.Generator().manual_seed(0),
    )


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", ["stem", "stage1.entry.conv1", "classifier"])
def test_effective_weight_is_mask_times_sign_times_sigma(mode, name):
    layer, seed, hidden = hidden_conv(mode, name)
    mask = select(hidden.scores.detach().numpy(), layer.mode, 0.3)
    trits = mask * (1.0 - 2.0 * signs(seed, layer.outputs, layer.kernel, layer.inputs))
    kernel = hidden.window.kernel
    want = (trits * hidden.sigma).astype(np.float32).reshape(layer.outputs, kernel, kernel, -1)
    got = hidden.effective_weight().detach().permute(0, 2, 3, 1)  # OIHW -> OHWI
    assert np.array_equal(got.numpy(), want)
    assert np.array_equal(hidden.mask().numpy(), mask)
    if layer.mode is Mode.ANY:
        assert mask.sum() == keep_count(layer.weight_count, 0.3)


def test_gradient_of_a_layer_is_that_of_its_effective_weight():
    _, _, hidden = hidden_conv(iterations=0)
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(2))
    weight = hidden.effective_weight()
    weight.retain_grad()
    hidden(x, weight, 0).square().sum().backward()
    by_weight = weight.grad.permute(0, 2, 3, 1)  # OIHW -> OHWI
    assert torch.equal(hidden.scores.grad, hidden.scores.detach().sign() * hidden.weight * by_weight)


def test_gradients_of_iterations_add_up():
    _, _, hidden = hidden_conv(iterations=0)
    x = [torch.randn(1, 8, 4, 4, generator=torch.Generator().manual_seed(i)) for i in range(2)]
    single = []
    for part in x:
        hidden.scores.grad = None
        hidden(part, hidden.effective_weight(), 0).square().sum().backward()
        single.append(hidden.scores.grad.clone())
    hidden.scores.grad = None
    weight = hidden.effective_weight()
    sum(hidden(part, weight, 0).square().sum() for part in x).backward()
    torch.testing.assert_close(hidden.scores.grad, single[0] + single[1])  # Float sums in another order.


@pytest.mark.parametrize("name", ["stem", "stage1.entry.conv1"])
def test_convolution_is_the_specs_accumulation(name):
    layer, seed, hidden = hidden_conv(name=name, iterations=0)
    trits = hidden.mask().numpy() * (1 - 2 * signs(seed, *layer.shape[:2], layer.inputs).astype(np.int8))
    trits = trits.reshape(layer.outputs, hidden.window.kernel, hidden.window.kernel, -1)
    inputs = np.random.default_rng(0).integers(0, 256, (2, 6, 6, trits.shape[-1]))
    weight = torch.sign(hidden.effective_weight()).double()
    y = hidden(torch.tensor(inputs).permute(0, 3, 1, 2).double(), weight, 0)
    want = accumulate(inputs, trits, hidden.window.stride, hidden.window.pad)
    assert np.array_equal(y.detach().permute(0, 2, 3, 1).numpy(), want)


def test_each_iteration_has_statistics_of_its_own():
    _, _, hidden = hidden_conv(iterations=2)
    weight = hidden.effective_weight()
    x = torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(3))
    for t in (0, 1):
        before = [norm.running_var.clone() for norm in hidden.norms]
        hidden(x, weight, t)
        moved = [not torch.equal(norm.running_var, old) for norm, old in zip(hidden.norms, before, strict=True)]
        assert moved == [t == 0, t == 1]
    assert len({id(norm.weight) for norm in hidden.norms}) == 2


def test_state_holds_scores_and_norms_but_no_frozen_weight():
    _, _, hidden = hidden_conv()
    assert "scores" in hidden.state_dict()
    assert "weight" not in hidden.state_dict()


def dense_conv(bias=0):
    network = residual_network("t", image=(6, 6, 2), classes=4, widths=(8,), iterations=(0,))
    layer = network.layer("stage1.entry.conv1")
    return layer, DenseConv(layer, Window(3, 1, 1), torch.nn.ModuleList(), bias, kind=Weights.NORMAL, seed=3)


def test_dense_weights_are_learned_from_where_frozen_ones_are():
    layer, dense = dense_conv()
    assert torch.equal(dense.weight, initial_weight(Weights.NORMAL, layer, sigma_of(layer, 1.0), 3))
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(2))
    dense(x, dense.effective_weight(), 0).square().sum().backward()
    assert (dense.weight.grad != 0).all()
    want = torch.nn.functional.conv2d(x, dense.weight.detach().permute(0, 3, 1, 2), padding=1)
    assert torch.equal(dense(x, dense.effective_weight(), 0), want)


def test_bias_is_added_per_output_channel():
    _, dense = dense_conv(bias=8)
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(2))
    before = dense(x, dense.effective_weight(), 0)
    with torch.no_grad():
        dense.bias.copy_(torch.arange(8.0))
    after = dense(x, dense.effective_weight(), 0)
    torch.testing.assert_close(after - before, torch.arange(8.0).view(1, 8, 1, 1).expand_as(before), atol=1e-5, rtol=0)


def test_iterations_beyond_the_norms_use_the_last():
    _, _, hidden = hidden_conv(iterations=2)
    assert [hidden.norm_of(t) is hidden.norms[i] for t, i in ((0, 0), (1, 1), (2, 1), (7, 1))] == [True] * 4


#: A step through the projection of a block whose maps are large and channels few: as in ResNet-18 at an eighth of its
#: width, on images of 224x224. Prints the largest difference of gradients from those computed in another way.
STRIDED = """
import torch
from spec.layer import Window
from spec.topologies import residual_network
from train.nets.layers import DenseConv
from train.nets.weights import Weights

torch.set_num_threads(1)
network = residual_network("t", image=(56, 56, 1), classes=4, widths=(8, 16), iterations=(0, 0), seed=5)
layer = network.layer("stage2.entry.shortcut")
assert (layer.kernel, layer.stride, layer.inputs, layer.outputs) == (1, 2, 8, 16)
window = Window(layer.kernel, layer.stride, layer.pad)
for batch in (1, 8):
    dense = DenseConv(layer, window, torch.nn.ModuleList(), 0, kind=Weights.NORMAL, seed=1)
    images = torch.randn(batch, 56, 56, 8).permute(0, 3, 1, 2).requires_grad_()
    weight = dense.effective_weight()
    out = dense(images, weight, 0)
    gradient = torch.randn_like(out)
    out.backward(gradient)
    seen, by_output = images.detach()[:, :, ::2, ::2].double(), gradient.double()
    wanted = torch.einsum("bcyx,bmyx->mc", seen, by_output)
    found = dense.weight.grad.flatten(1).double()
    by_image = torch.einsum("mc,bmyx->bcyx", weight.detach().flatten(1).double(), by_output)
    images.grad[:, :, ::2, ::2] -= by_image.float()
    print((found - wanted).abs().max().item() / wanted.abs().max().item(), images.grad.abs().max().item())
"""


def test_strided_projections_of_few_channels_have_gradients():
    """In a process of its own: torch 2.13.0 ended with a segmentation fault here (uxlfoundation/oneDNN#6035)."""
    done = subprocess.run(
        [sys.executable, "-c", STRIDED], capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    found = [float(word) for word in done.stdout.split()]
    assert len(found) == 4
    assert max(found) < 1e-4


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_torch_strides_no_kernel_of_one_pixel(monkeypatch, stride):
    """Its kernel of them is the one that fails, even where it does not crash; what comes out is what it would be."""
    seen = []

    def noted(x, weight, bias, by, pad):
        seen.append((weight.shape[2], by))
        return conv2d(x, weight, bias, by, pad)

    conv2d = torch.nn.functional.conv2d
    layer = hidden_conv()[0]
    layer = dataclasses.replace(layer, kernel=1, stride=stride, pad=0)
    dense = DenseConv(layer, Window(1, stride, 0), torch.nn.ModuleList(), 0, kind=Weights.NORMAL, seed=1)
    x = torch.randn(2, layer.inputs, 7, 9)
    with torch.no_grad():
        plain = conv2d(x, dense.effective_weight(), None, stride)
        monkeypatch.setattr(torch.nn.functional, "conv2d", noted)
        torch.testing.assert_close(dense(x, dense.effective_weight(), 0), plain)
    assert seen == [(1, 1)]

"""Edge-popup against its formula, and a hidden layer against a plain convolution of spec's trits."""

import numpy as np
import pytest
import torch

from spec.lfsr import signs
from spec.numerics import accumulate
from spec.supermask import Mode, keep_count, select
from spec.topologies import residual_network
from train.layers import EdgePopup, HiddenConv, signed_constant


def hidden_conv(mode=Mode.ANY, name="stage1.entry.conv1", norms=1, affine=False):
    network = residual_network("t", image=(6, 6, 2), classes=4, widths=(8,), iterations=(0,), mode=mode, seed=5)
    layer = network.layer(name)
    window = network.stem if name == "stem" else layer
    return layer, network.seed_of(layer), HiddenConv(
        layer, seed=network.seed_of(layer), density=network.density, kernel=window.kernel, stride=window.stride,
        pad=window.pad, norms=norms, affine=affine, generator=torch.Generator().manual_seed(0),
    )


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", ["stem", "stage1.entry.conv1", "classifier"])
def test_effective_weight_is_mask_times_sign_times_sigma(mode, name):
    layer, seed, hidden = hidden_conv(mode, name)
    mask = select(hidden.scores.detach().numpy(), layer.mode, 0.3)
    trits = mask * (1.0 - 2.0 * signs(seed, layer.outputs, layer.kernel, layer.inputs))
    want = (trits * hidden.sigma).astype(np.float32).reshape(layer.outputs, hidden.kernel, hidden.kernel, -1)
    got = hidden.effective_weight().detach().permute(0, 2, 3, 1)  # OIHW -> OHWI
    assert np.array_equal(got.numpy(), want)
    assert np.array_equal(hidden.mask(), mask)
    if layer.mode is Mode.ANY:
        assert mask.sum() == keep_count(layer.weights, 0.3)


@pytest.mark.parametrize(("mode", "kept"), [(Mode.ANY, 0.3), (Mode.TWO_OF_FOUR, 0.3), (Mode.ONE_OF_FOUR, 0.25)])
def test_signed_constant(mode, kept):
    layer, _, hidden = hidden_conv(mode)
    assert hidden.sigma == signed_constant(layer, 0.3) == (2 / (8 * 9 * kept)) ** 0.5
    assert set(np.abs(hidden.weight.numpy()).ravel()) == {np.float32(hidden.sigma)}


def test_gradient_is_straight_through_for_kept_and_pruned():
    generator = torch.Generator().manual_seed(1)
    scores = torch.randn(3, 2, 2, 8, generator=generator, requires_grad=True)
    weight = torch.randn(3, 2, 2, 8, generator=generator)
    upstream = torch.randn(3, 2, 2, 8, generator=generator)
    mask = torch.from_numpy(select(scores.detach().numpy(), Mode.ANY, 0.3))
    effective = EdgePopup.apply(scores, weight, mask)
    effective.backward(upstream)
    assert torch.equal(effective, weight * mask)
    assert torch.equal(scores.grad, torch.sign(scores.detach()) * weight * upstream)
    assert (scores.grad[~mask] != 0).all()


def test_gradient_of_a_layer_is_that_of_its_effective_weight():
    _, _, hidden = hidden_conv(norms=0)
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(2))
    weight = hidden.effective_weight()
    weight.retain_grad()
    hidden(x, weight, 0).square().sum().backward()
    by_weight = weight.grad.permute(0, 2, 3, 1)  # OIHW -> OHWI
    assert torch.equal(hidden.scores.grad, hidden.scores.detach().sign() * hidden.weight * by_weight)


def test_gradients_of_iterations_add_up():
    _, _, hidden = hidden_conv(norms=0)
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
    layer, seed, hidden = hidden_conv(name=name, norms=0)
    trits = hidden.mask() * (1 - 2 * signs(seed, *layer.shape[:2], layer.inputs).astype(np.int8))
    trits = trits.reshape(layer.outputs, hidden.kernel, hidden.kernel, -1)
    inputs = np.random.default_rng(0).integers(0, 256, (2, 6, 6, trits.shape[-1]))
    weight = torch.sign(hidden.effective_weight()).double()
    y = hidden(torch.tensor(inputs).permute(0, 3, 1, 2).double(), weight, 0)
    want = accumulate(inputs, trits, hidden.stride, hidden.pad)
    assert np.array_equal(y.detach().permute(0, 2, 3, 1).numpy(), want)


def test_each_iteration_has_statistics_of_its_own():
    _, _, hidden = hidden_conv(norms=2, affine=True)
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

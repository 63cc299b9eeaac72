"""The float network: order of the spec, one mask per step, batch norms per iteration."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from spec.block import Block, Stem
from spec.layer import Role
from spec.supermask import Mode, select
from spec.topologies import network_of_parts, residual_network
from train.loop.trainer import accuracy
from train.nets import layers
from train.nets.config import Method, ModelConfig
from train.nets.layers import BorrowingConv, DenseConv, HiddenConv
from train.nets.model import HiddenFoldNet
from train.nets.norms import FoldedNorm


def small(mode=Mode.ANY, iterations=(0, 3), affine=False, seed=0):
    network = residual_network("t", image=(8, 8, 1), classes=4, widths=(4, 8), iterations=iterations, mode=mode)
    return HiddenFoldNet(network, ModelConfig(mode=mode, affine=affine), torch.Generator().manual_seed(seed))


def images(count):
    return torch.randint(0, 256, (count, 8, 8, 1), dtype=torch.uint8, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("mode", list(Mode))
def test_mask_is_selected_once_per_step_whatever_the_iterations(mode, monkeypatch):
    model = small(mode)
    shapes = []

    def counted(scores, *rest):
        shapes.append(scores.shape)
        return selected(scores, *rest)

    selected = layers.select
    monkeypatch.setattr(layers, "select", counted)
    model(images(4)).sum().backward()
    assert shapes == [layer.shape for layer in model.network.layers]
    assert len(model.network.steps) > len(shapes)


def test_observed_activations_are_the_stored_ones_in_order():
    model = small().eval()
    seen = []
    logits = model(images(2), lambda layer, iteration, values: seen.append((layer, iteration, values)))
    steps = model.network.steps[:-1]
    assert [(layer.name, t) for layer, t, _ in seen] == [(step.layer.name, step.iteration) for step in steps]
    for layer, _, values in seen:
        assert values.shape == (2, layer.outputs, layer.out_height, layer.out_width)
        assert (values.min() >= 0) == (layer.role is not Role.SHORTCUT)
    assert logits.shape == (2, 4)


@pytest.mark.parametrize(("affine", "expected"), [(False, {"stage2.fold.conv1", "stage2.fold.conv2"}), (True, None)])
def test_affine_batch_norms(affine, expected):
    model = small(affine=affine)
    named = zip(model.network.layers, model.convolutions, strict=True)
    learned = {layer.name for layer, hidden in named if any(norm.affine for norm in hidden.norms)}
    assert learned == (expected or {layer.name for layer in model.network.layers[:-1]})


@pytest.mark.parametrize("method", list(Method))
def test_the_four_methods(method):
    """Masked or not, folded or not; what learns is what the method says."""
    config = ModelConfig.of(method, widths=(4, 8), iterations=(0, 3))
    model = HiddenFoldNet(config.topology("t", (8, 8, 1), 4), config, torch.Generator().manual_seed(0))
    kind = HiddenConv if method.masks else DenseConv
    assert {type(convolution) for convolution in model.convolutions} == {kind}
    assert len(model.network.steps) == len(model.convolutions) + (4 if method.folds else 0)
    model(images(8)).square().sum().backward()
    names = {name.rpartition(".")[2] for name, parameter in model.named_parameters() if parameter.grad is not None}
    affine = {"weight", "bias"} if method is not Method.HNN else set()
    assert names == {"scores" if method.masks else "weight"} | affine
    norms = [norm for convolution in model.convolutions for norm in convolution.norms]
    learned = sum(norm.affine for norm in norms)
    assert learned == {Method.DENSE: len(norms), Method.FOLDED: 6, Method.HNN: 0, Method.HFN: 6}[method]


@pytest.mark.parametrize("mode", list(Mode))
def test_masks_of_a_network_are_the_specs(mode):
    model = HiddenFoldNet(
        small(mode).network, ModelConfig(mode=mode, densities={"stage2.entry.conv1": 0.2}), torch.Generator()
    )
    for layer in model.network.layers:
        density = 0.2 if layer.name == "stage2.entry.conv1" else 0.3
        hidden = model.convolutions[layer.index]
        assert np.array_equal(hidden.mask().numpy(), select(hidden.scores.detach().numpy(), layer.mode, density))


def test_score_gradient_is_the_sum_over_iterations():
    """Each iteration alone, the other weights being constants, adds its share: HFN, Fig. 4b."""
    model = small().eval()
    hidden = model.convolutions[model.network.layer("stage2.fold.conv1").index]
    pictures = images(3)
    model(pictures).square().sum().backward()
    whole, shares = hidden.scores.grad.clone(), []
    forward = hidden.forward
    for only in range(3):
        hidden.scores.grad = None
        hidden.forward = lambda x, weight, t, only=only: forward(x, weight if t == only else weight.detach(), t)
        model(pictures).square().sum().backward()
        shares.append(hidden.scores.grad.clone())
    torch.testing.assert_close(sum(shares), whole, rtol=1e-4, atol=1e-5)  # Float sums in another order.
    assert all((share != 0).any() for share in shares)


def repeated(seed=0, width=8):
    """A group of two projecting blocks and a recurrent one, twice with the same weights."""
    group = (Block("a", 12), Block("b", width), Block("c", width, iterations=2))
    again = tuple(replace(block, name=f"{block.name}2", weights_of=block.name) for block in group)
    net = network_of_parts(
        "t", (8, 8, 1), Stem(3, 1, 1, width), (*group, *again), 4, Mode.ANY, 0.5, seed=3
    )
    return HiddenFoldNet(net, ModelConfig(affine=True, density=0.5), torch.Generator().manual_seed(seed))


def test_layers_with_the_same_weights_have_the_same_scores_and_norms_of_their_own(monkeypatch):
    model, shapes, selected = repeated(), [], layers.select
    own = model.network.own_layers
    monkeypatch.setattr(layers, "select", lambda scores, *rest: shapes.append(scores.shape) or selected(scores, *rest))
    seen = {}
    model(images(4), lambda layer, t, values: seen.setdefault(layer.name, values)).square().sum().backward()
    assert shapes == [layer.shape for layer in own]  # a mask is selected once
    names = {name for name, _ in model.named_parameters() if name.endswith("scores")}
    assert names == {f"convolutions.{layer.index}.scores" for layer in own}
    weights = model.effective_weights()
    for layer in model.network.layers:
        convolution = model.convolutions[layer.index]
        assert isinstance(convolution, BorrowingConv) == bool(layer.owner)
        assert weights[layer.index] is weights[model.network.layer(layer.tensor).index] or not layer.owner
        assert len(convolution.norms) == (0 if layer.role is Role.CLASSIFIER else layer.iterations)
        assert all(norm.weight.grad.any() for norm in convolution.norms)
    assert not torch.equal(seen["a.conv1"], seen["a2.conv1"])


def test_the_score_gradient_is_the_sum_over_all_that_share():
    model, pictures = repeated().eval(), images(3)
    hidden = model.convolutions[model.network.layer("b.conv2").index]
    model(pictures).square().sum().backward()
    whole, shares, users = hidden.scores.grad.clone(), [], model.network.users["b.conv2"]
    for only in users:
        hidden.scores.grad = None
        for user in users:
            used = model.convolutions[user.index]
            used.forward = lambda x, weight, t, used=used, keep=user == only: type(used).forward(
                used, x, weight if keep else weight.detach(), t
            )
        model(pictures).square().sum().backward()
        shares.append(hidden.scores.grad.clone())
    assert len(shares) == 2
    torch.testing.assert_close(sum(shares), whole, rtol=1e-4, atol=1e-5)  # Float sums in another order.
    assert all((share != 0).any() for share in shares)


def test_what_shares_is_one_more_iteration():
    """With the same norms, two blocks of the same weights are a recurrent block of two iterations."""
    stem = Stem(3, 1, 1, 8)
    blocks = (Block("a", 8), Block("b", 8, weights_of="a")), (Block("a", 8, iterations=2),)
    two, one = (
        HiddenFoldNet(
            network_of_parts("t", (8, 8, 1), stem, part, 4, Mode.ANY, 0.5, seed=3), ModelConfig(affine=True),
            torch.Generator().manual_seed(0)
        ).eval() for part in blocks
    )
    assert torch.equal(two.convolutions[1].scores, one.convolutions[1].scores)
    seen = [], []
    for model, found in zip((two, one), seen, strict=True):
        model(images(2), lambda layer, t, values, found=found: found.append(values))
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))


def test_biases_everywhere_or_nowhere():
    for bias in (False, True):
        config = ModelConfig(bias=bias)
        model = HiddenFoldNet(small().network, config, torch.Generator())
        assert {convolution.bias is not None for convolution in model.convolutions} == {bias}


@pytest.mark.parametrize("norm", list(FoldedNorm))
def test_every_norm_runs_in_recurrent_blocks(norm):
    config = ModelConfig(norm=norm, widths=(16, 32), iterations=(0, 3))
    model = HiddenFoldNet(config.topology("t", (8, 8, 1), 4), config, torch.Generator().manual_seed(0))
    model(images(4)).square().sum().backward()
    scores = [convolution.scores for convolution in model.convolutions]
    assert all(score.grad.isfinite().all() for score in scores)
    assert len(model.convolutions[model.network.layer("stage2.fold.conv1").index].norms) == (3 if norm == "ubn" else 1)


@pytest.mark.parametrize(("network", "image"), [
    ("resnet18", (8, 8, 1)), ("resnet34", (28, 28, 1)), ("resnet50", (32, 32, 3)), ("resnet101", (96, 96, 3)),
])
def test_the_papers_networks_run(network, image):
    config = ModelConfig(network=network, width=4)
    model = HiddenFoldNet(config.topology("t", image, 7), config, torch.Generator().manual_seed(0)).eval()
    pictures = torch.randint(0, 256, (2, *image), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    logits = model(pictures)
    assert logits.shape == (2, 7)
    assert logits.isfinite().all()


def test_batch_norms_per_layer():
    model = small()
    counts = {layer.name: len(model.convolutions[layer.index].norms) for layer in model.network.layers}
    want = {layer.name: layer.iterations for layer in model.network.layers} | {"classifier": 0}
    assert counts == want
    assert counts["stage2.fold.conv1"] == 3
    assert {norm.eps for hidden in model.convolutions for norm in hidden.norms} == {1e-5}


def test_input_is_the_byte_over_255():
    model = small().eval()
    seen = []
    model.convolutions[0].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    model(images(2))
    assert torch.equal(seen[0], images(2).permute(0, 3, 1, 2).float() / 255)


def test_scores_come_from_the_generator():
    states = [small(seed=seed).state_dict()["convolutions.1.scores"] for seed in (0, 0, 1)]
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    assert states[0].abs().max() <= (6 / 36) ** 0.5


def test_accuracy_counts_in_evaluation_mode_and_leaves_the_mode_alone():
    model = small().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    pictures = images(10).numpy()
    with torch.no_grad():
        guesses = model.eval()(torch.from_numpy(pictures)).argmax(1).numpy()
    model.train()
    assert accuracy(model, pictures, guesses, batch=3) == 1.0
    assert accuracy(model, pictures, np.where(np.arange(10) < 4, guesses, -1), batch=3) == 0.4
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # Dynamo does so itself.
@pytest.mark.parametrize("mode", [Mode.ANY, pytest.param(Mode.TWO_OF_FOUR, marks=pytest.mark.slow)])
def test_a_step_is_one_graph_with_the_same_gradients(mode):
    """What ``train.fit --compile`` needs: no look at a value, no shape that depends on one."""
    model = small(mode, iterations=(0, 2), affine=True)
    found = []
    for forward in (model, torch.compile(model, backend="aot_eager", fullgraph=True)):
        model.zero_grad()
        logits = forward(images(6))
        logits.square().sum().backward()
        found.append([logits.detach(), *(parameter.grad for parameter in model.parameters())])
    for eager, compiled in zip(*found, strict=True):
        torch.testing.assert_close(compiled, eager)

"""The float network: order of the spec, one mask per step, batch norms per iteration."""

import numpy as np
import pytest
import torch

from spec.network import Role
from spec.supermask import Mode
from spec.topologies import residual_network
from train import layers
from train.config import ModelConfig
from train.model import HiddenFoldNet
from train.trainer import accuracy


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
        return select(scores, *rest)

    select = layers.select
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

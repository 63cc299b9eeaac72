"""Iterative magnitude pruning: which weights go, and that the others are set back."""

import pytest
import torch

from spec.refusal import Refused
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.trainer import Run, Trainer
from train.studies.lottery import imp, prune_weights, weights_left
from train.studies.pruning import kept_of

RECIPE = Recipe(epochs=3, batch=50, lr=0.05, weight_decay=1e-3)


@pytest.fixture
def drawn(small_rpg):
    """Layers that a ring would serve."""
    return [slot.name for slot in small_rpg().rings[0].slots]


def layers_of(model, names):
    return [model.convolutions[layer.index] for layer in model.network.layers if layer.name in names]


def test_the_largest_of_all_layers_stay(small_rpg, drawn):
    model = small_rpg(dof=0)
    layers = layers_of(model, drawn)
    before = torch.cat([layer.weight.detach().flatten() for layer in layers])
    prune_weights(layers, 100)
    after = torch.cat([layer.weight.detach().flatten() for layer in layers])
    assert weights_left(layers) == int((after != 0).sum()) == 100
    assert after[after != 0].abs().min() >= before[after == 0].abs().max()
    prune_weights(layers, 40)
    assert weights_left(layers) == 40
    with pytest.raises(Refused, match="Layers of 40 weights cannot be pruned to 41; give --prune-dof from 1 to 40"):
        prune_weights(layers, 41)


def run(small_rpg, digits, drawn, count, rounds, rewind=1):
    states, model = [], small_rpg(dof=0)

    def trainer_of(network, what):
        trainer = Trainer(network, digits.prepared(1, 200), RECIPE, 0, Run(Processes.start("cpu"), what))
        around = trainer.around

        def look(step):
            if not states or states[-1][0] != what:
                states.append((what, step, {n: v.clone() for n, v in network.state_dict().items()}))
            return around(step)

        trainer.around = look
        return trainer

    return model, imp(model, drawn, count, rounds, rewind, trainer_of), states


def test_rounds_go_on_from_the_weights_early_in_training(small_rpg, digits, drawn):
    model, (before, after, dense), states = run(small_rpg, digits, drawn, 90, 2)
    layers = layers_of(model, drawn)
    everything = sum(layer.weight.numel() for layer in layers)
    assert [(what, step) for what, step, _ in states] == [("dense", 0), ("round 1", 4), ("round 2", 4)]
    kept = [sum(int(v.sum()) for n, v in state.items() if n.endswith(".kept")) for _, _, state in states]
    assert kept == [everything, round((everything * 90) ** 0.5), 90]
    for name, value in states[1][2].items():  # All is as it was in the other round: weights, norms, statistics.
        if not name.endswith(".kept"):
            assert torch.equal(value, states[2][2][name]), name
    assert weights_left(layers) == 90 == sum(int((layer.weight != 0).sum()) for layer in layers)
    assert weights_left(layers_of(dense, drawn)) == everything
    assert before != after


def test_what_stays_are_the_largest_of_the_trained_weights(small_rpg, digits, drawn):
    model, (_, _, dense), _ = run(small_rpg, digits, drawn, 50, 1)
    trained = torch.cat([layer.weight.detach().flatten() for layer in layers_of(dense, drawn)])
    kept = torch.cat([kept_of(layer, "weight").flatten() for layer in layers_of(model, drawn)])
    assert trained[kept].abs().min() >= trained[~kept].abs().max()


@pytest.mark.parametrize("rewind", [0, 3])
def test_there_must_be_something_to_rewind_to(small_rpg, digits, drawn, rewind):
    with pytest.raises(Refused, match=f"not to {rewind}; give --rewind from 1 to 2"):
        run(small_rpg, digits, drawn, 90, 1, rewind)

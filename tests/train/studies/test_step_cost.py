"""The benchmark's variants do the same work, and what it counts adds up. Times themselves are not judged here."""

import json

import pytest
import torch

from spec.refusal import Refused
from spec.supermask import Mode
from train.studies import step_cost
from train.studies.step_cost import DENSE, SORT, Step, main, measure

TINY = {"tiny": ((8, 8, 1), 10, {"widths": (4, 8), "iterations": (0, 2)})}


@pytest.fixture(autouse=True)
def tiny_subject(monkeypatch):
    monkeypatch.setattr(step_cost, "SUBJECTS", TINY)


def test_sorting_every_time_trains_the_same_network():
    """The papers' way and ours make the same masks, hence the same logits and, but for order of sums, gradients."""
    ours, theirs = (Step("tiny", variant, 8) for variant in (Mode.ANY, SORT))
    assert torch.equal(ours.model(ours.images), theirs.model(theirs.images))
    for step in (ours, theirs):
        step.run()
    for one, other in zip(ours.model.convolutions, theirs.model.convolutions, strict=True):
        torch.testing.assert_close(one.scores.grad, other.hidden.scores.grad)


def test_sorting_happens_once_per_use(monkeypatch):
    step, sorted_layers = Step("tiny", SORT, 4), []
    argsort = torch.Tensor.argsort
    monkeypatch.setattr(torch.Tensor, "argsort", lambda self: sorted_layers.append(len(self)) or argsort(self))
    step.run()
    assert len(sorted_layers) == len(step.model.network.steps) > len(step.model.convolutions)


def test_dense_is_the_same_network():
    dense, hidden = (Step("tiny", variant, 4).model for variant in (DENSE, Mode.ANY))
    assert dense.network.layers == hidden.network.layers
    assert [len(layer.norms) for layer in dense.convolutions] == [len(layer.norms) for layer in hidden.convolutions]
    trained = [sum(parameter.numel() for parameter in model.parameters()) for model in (dense, hidden)]
    assert trained[0] == trained[1]


def test_memory_of_a_mask_is_the_frozen_and_the_masked_weight():
    """Which dense training has not: 8 bytes a weight."""
    memory = {}
    for variant in (DENSE, Mode.ANY):
        step = Step("tiny", variant, 4)
        step.run()
        memory[variant] = step.memory()
    weights = sum(layer.weight_count for layer in step.model.network.layers)
    assert memory[Mode.ANY] - memory[DENSE] == 8 * weights


def test_result():
    advanced = []
    result = measure("tiny", batch=4, rounds=2, advance=lambda: advanced.append(1))
    assert [row["variant"] for row in result["variants"]] == ["dense", "any", "2of4", "1of4", "max1of4", "sort"]
    assert len(advanced) == 2 * 6
    dense = result["variants"][0]
    assert (dense["over_dense"], dense["memory_over_dense"]) == (1.0, 1.0)
    assert all(isinstance(row["cpu_seconds"], float) for row in result["variants"])


def test_command(tmp_path, capsys):
    out = tmp_path / "cost.json"
    assert main(["--batch", "4", "--rounds", "1", "--out", str(out)]) == 0
    assert capsys.readouterr().out.rstrip().endswith(str(out))
    assert main(["--batch", "4", "--rounds", "1", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(out.read_text())


@pytest.mark.parametrize("option", ["--batch", "--rounds"])
def test_bad_options_are_refused(option):
    with pytest.raises(Refused, match=f"Option {option} must be from 1 to"):
        main([option, "0"])

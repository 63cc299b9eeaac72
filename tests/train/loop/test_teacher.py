"""A network that teaches: what its share of the loss is, where it may come from, that the run says who it was."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from spec.refusal import Refused
from train import finetune, fit
from train.loop import checkpoint
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.settings import Settings
from train.loop.step import TrainingStep
from train.loop.teacher import divergence, taught_by
from train.loop.trainer import Run, Trainer

ALONE = Processes(0, 1, torch.device("cpu"))
SHARE = ["--distill", "0.75", "--temperature", "3"]


@pytest.fixture(scope="module")
def teacher(tiny, tmp_path_factory):
    """Checkpoint of a small network on digits."""
    out = tmp_path_factory.mktemp("teacher")
    assert fit.main([*tiny, "--out", str(out)]) == 0
    return out / "checkpoint.pt"


def test_the_divergence_is_as_defined():
    generator = np.random.default_rng(4)
    mine, theirs = generator.normal(size=(2, 5, 3)) * 4
    p, q = (np.exp(x / 2.5) / np.exp(x / 2.5).sum(1, keepdims=True) for x in (theirs, mine))
    expected = 2.5**2 * (p * np.log(p / q)).sum(1).mean()
    assert divergence(torch.tensor(mine), torch.tensor(theirs), 2.5).item() == pytest.approx(expected)
    assert divergence(torch.tensor(mine), torch.tensor(mine), 2.5).item() == pytest.approx(0)


def test_a_step_learns_its_share_from_the_teacher(halves, small_net):
    model, taught = small_net(), small_net()
    with torch.no_grad():
        for parameter in taught.parameters():
            parameter.mul_(1.5)
    taught.eval()
    recipe = Recipe(epochs=1, batch=8, lr=0.1, distill=0.75, temperature=3.0)
    step = TrainingStep(model, torch.optim.SGD(model.parameters(), lr=0.1), recipe, ALONE, taught)
    images, labels = torch.from_numpy(halves.train_images[:8]), torch.from_numpy(halves.train_labels[:8])
    loss = step.gradients(images, labels)
    found = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    logits, targets = model(images), taught(images).detach()
    expected = 0.25 * functional.cross_entropy(logits, labels) + 0.75 * divergence(logits, targets, 3.0)
    expected.backward()
    torch.testing.assert_close(loss, expected.detach())
    for gradient, parameter in zip(found, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad)
    assert all(parameter.grad is None for parameter in taught.parameters())


def test_without_a_teacher_there_is_nothing_to_learn_from(halves, small_net):
    recipe = Recipe(epochs=1, batch=4, distill=0.5)
    with pytest.raises(Refused, match=r"Setting --distill \(0.5\) needs a network that teaches; give --teacher"):
        Trainer(small_net(), halves, recipe, 0, Run(ALONE)).run()


def test_a_run_says_who_taught_it_and_goes_on_with_no_one_else(tiny, teacher, tmp_path, capsys):
    """The same bits after an interruption; a run without, or with another one, is another run."""
    whole, halved = tmp_path / "whole", tmp_path / "halved"
    command = [*tiny, *SHARE, "--seed", "1", "--teacher", str(teacher), "--out"]
    assert fit.main([*command, str(whole)]) == 0
    state = checkpoint.load(whole / "checkpoint.pt")
    settings = Settings.from_json(state["settings"])
    assert (settings.teacher, settings.recipe.distill) == (checkpoint.digest(teacher), 0.75)
    assert fit.main([*tiny, "--seed", "1", "--out", str(halved)]) == 0
    alone = checkpoint.load(halved / "checkpoint.pt")
    assert "teacher" not in alone["settings"]
    assert any(not torch.equal(alone["model"][name], value) for name, value in state["model"].items())
    for other in (SHARE, [*SHARE, "--teacher", str(halved / "checkpoint.pt")]):
        with pytest.raises(Refused, match="teacher"):
            fit.main([*tiny, *other, "--seed", "1", "--out", str(whole), "--resume"])
    capsys.readouterr()


def test_fine_tuning_can_be_taught(teacher, tmp_path):
    options = ["--checkpoint", str(teacher), "--teacher", str(teacher), *SHARE, "--epochs", "1", "--calibration", "64"]
    assert finetune.main([*options, "--out", str(tmp_path)]) == 0
    settings = Settings.from_json(checkpoint.load(tmp_path / "checkpoint.pt")["settings"])
    assert settings.teacher == settings.finetuning.checkpoint == checkpoint.digest(teacher)


def test_a_teacher_without_a_share_or_of_other_images_is_refused(tiny, teacher, digits, tmp_path):
    with pytest.raises(Refused, match="Option --teacher has no use without --distill"):
        fit.main([*tiny, "--teacher", str(teacher), "--out", str(tmp_path)])
    fewer = dataclasses.replace(
        digits, train_images=digits.train_images[:-1], train_labels=digits.train_labels[:-1]
    )
    with pytest.raises(Refused, match=r"was trained on other images than digits now holds, and may have seen"):
        taught_by(teacher, fewer)
    assert not taught_by(teacher, digits).training
    assert not (tmp_path / "checkpoint.pt").exists()

"""Iteration counts that change from step to step."""

import numpy as np
import pytest
import torch

from train import fit
from train.loop import checkpoint
from train.nets.config import ModelConfig
from train.nets.model import HiddenFoldNet
from train.nets.vary import varied


def net(iterations=(2, 4)):
    config = ModelConfig(widths=(4, 8), iterations=iterations, vary=1)
    return HiddenFoldNet(config.topology("t", (8, 8, 1), 10), config, torch.Generator().manual_seed(0))


def drawn(seed, by=1, steps=300, iterations=(2, 4)):
    model = net(iterations)
    around = varied(model, by, seed)
    counts = []
    for step in range(steps):
        with around(step):
            counts.append((model.iterations["stage1.fold"], model.iterations["stage2.fold"]))
        assert model.iterations["stage2.fold"] == iterations[1]
    return counts


def test_counts_are_uniform_in_their_range_and_independent():
    counts = np.array(drawn(seed=4))
    assert set(counts[:, 0]) == {1, 2, 3}
    assert set(counts[:, 1]) == {3, 4, 5}
    assert np.unique(counts, axis=0, return_counts=True)[1].min() > 300 / 9 / 2
    assert set(np.array(drawn(seed=4, by=3))[:, 0]) == {1, 2, 3, 4, 5}


def test_counts_are_a_function_of_seed_and_step():
    assert drawn(seed=4, steps=20) == drawn(seed=4, steps=30)[:20]
    assert drawn(seed=4, steps=20) != drawn(seed=5, steps=20)


def test_counts_come_back_after_an_error():
    model = net()

    def fail():
        with varied(model, 2, 1)(0):
            model.iterations["stage1.fold"] = 17
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert model.iterations["stage1.fold"] == 2


def test_a_resumed_run_ends_in_the_same_bits(tiny, tmp_path, monkeypatch):
    command = [*tiny, "--norm", "sbn", "--vary", "1", "--out"]
    assert fit.main([*command, str(tmp_path / "whole")]) == 0
    whole = checkpoint.load(tmp_path / "whole" / "checkpoint.pt")["model"]
    part = tmp_path / "part"
    save = checkpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", lambda path, state: save(path, state) and 1 / 0)  # Killed after the first.
        with pytest.raises(ZeroDivisionError):
            fit.main([*command, str(part)])
    assert checkpoint.load(part / "checkpoint.pt")["epoch"] == 1
    assert fit.main([*command, str(part), "--resume"]) == 0
    again = checkpoint.load(part / "checkpoint.pt")["model"]
    assert all(torch.equal(value, again[name]) for name, value in whole.items())
    assert fit.main([*tiny, "--norm", "sbn", "--out", str(tmp_path / "plain")]) == 0
    other = checkpoint.load(tmp_path / "plain" / "checkpoint.pt")["model"]
    assert any(not torch.equal(value, other[name]) for name, value in whole.items())

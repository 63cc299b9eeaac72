"""Gaps and corrupted images by one command."""

import json

import numpy as np
import pytest
from torch import nn
from torch.nn import functional

from train.data.corrupted import CORRUPTIONS
from train.loop.processes import Processes
from train.studies import generalization
from train.studies.generalization import judged


class Brighter(nn.Module):
    """Says whether the upper half is brighter: no accuracy but by the images."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Parameter()

    def forward(self, images):
        means = images.float().mean((2, 3))
        return functional.one_hot((means[:, :3].mean(1) < means[:, 3:].mean(1)).long(), 2).float()


def test_corruption_costs_accuracy_by_strength(halves):
    found = judged(Brighter(), halves, 40, Processes.start("cpu"))
    assert (found["train"], found["test"]) == (1.0, 1.0)
    assert list(found["corrupted"]) == list(CORRUPTIONS)
    assert found["corrupted"]["contrast"][0] == 1.0
    assert np.mean(found["corrupted"]["shift"][-2:]) <= found["corrupted"]["shift"][0]
    assert all(len(values) == 5 for values in found["corrupted"].values())


def test_three_networks_are_compared(tiny_study, capsys):
    command = [*tiny_study, "--dof", "2560", "--small-widths", "2,4,8", "--judged", "100", "--json"]
    assert generalization.main(command) == 0
    rows = {row["network"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert list(rows) == ["ring", "same network", "same DoF"]
    assert rows["ring"]["free_weights"] < rows["same network"]["free_weights"] / 2
    assert rows["same DoF"]["free_weights"] == pytest.approx(rows["ring"]["free_weights"], rel=0.05)

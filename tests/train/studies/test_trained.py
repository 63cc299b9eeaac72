"""What is trained once is kept for the same settings, and no others."""

import dataclasses

import pytest
import torch

from train.loop.processes import Processes
from train.loop.settings import Settings
from train.studies.trained import kept_row, train_on
from train.studies.variants import ring_parser, settings_of


@pytest.fixture
def settings(tiny_study) -> Settings:
    return settings_of(ring_parser("x", "x", dof=320).parse_args(tiny_study), {}, 0)


def test_a_row_is_made_once(tmp_path, settings, digits):
    made = []

    def make():
        made.append(1)
        return {"value": len(made)}

    assert kept_row(tmp_path, "a", settings, digits, make) == {"value": 1}
    assert kept_row(tmp_path, "a", settings, digits, make) == {"value": 1}
    assert kept_row(tmp_path, "a", dataclasses.replace(settings, seed=5), digits, make) == {"value": 2}
    assert kept_row(tmp_path, "a", dataclasses.replace(settings, seed=5), digits, make, limit=3) == {"value": 3}


def test_training_takes_length_and_rate(settings, digits):
    dataset, processes = digits.prepared(1, 200), Processes.start("cpu")
    still = settings.untrained(dataset)
    start = still.rings[0].free.detach().clone()
    train_on(still, settings, dataset, processes, "x", rate=1e-9)
    assert torch.allclose(still.rings[0].free, start, atol=1e-5)
    assert not still.training
    once, twice = settings.untrained(dataset), settings.untrained(dataset)
    train_on(once, settings, dataset, processes, "x")
    train_on(twice, settings, dataset, processes, "x", length=2)
    assert not torch.equal(once.rings[0].free, start)
    assert not torch.equal(once.rings[0].free, twice.rings[0].free)

"""What is trained once is kept for the same settings, and no others."""

import dataclasses

import pytest
import torch

from train.loop.processes import Processes
from train.loop.settings import Settings
from train.studies.trained import kept_row, kept_runs, train_on
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


@dataclasses.dataclass(frozen=True)
class Counted:
    """A run that says how often runs of its name were made."""

    name: str
    size: tuple[int, int]

    def run(self, data, device, advance):
        data[self.name] = data.get(self.name, 0) + 1
        advance()
        return {"made": data[self.name], "device": device.type}


def test_runs_are_kept_until_they_are_others(tmp_path):
    """Of another size, or on other data; a tuple is the same as the list that JSON makes of it."""
    made, device = {}, torch.device("cpu")
    cells = [Counted("a", (1, 2)), Counted("b", (1, 2))]
    for _ in range(2):
        found = kept_runs(cells, made, "digest", 1, device, tmp_path)
        assert found == {cell: {"made": 1, "device": "cpu"} for cell in cells}
    assert kept_runs([Counted("a", (1, 3))], made, "digest", 1, device, tmp_path)[Counted("a", (1, 3))]["made"] == 2
    assert kept_runs(cells[1:], made, "other", 1, device, tmp_path)[cells[1]]["made"] == 2

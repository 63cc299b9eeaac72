"""Cells: kept when finished, gone on with when interrupted, refused when they are of something else."""

from dataclasses import replace

import pytest
import torch

from spec.refusal import Refused
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.trainer import Trainer
from train.nets.addressing import Addressing
from train.nets.config import Method
from train.nets.repeated import RepeatedNet, Sharing
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import Scope
from train.nets.vit import RpgViT
from train.studies.experiment import REPEATED, VIT, Experiment, read_cell, run_cells, train_cell
from train.studies.ring_options import prepared

EXPERIMENT = Experiment(width=4, dof=320, addressing=Addressing.WORD)
RECIPE = Recipe(epochs=2, batch=50)
CPU = Processes(0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def data(digits):
    return prepared(digits, 1, 200)


@pytest.mark.parametrize(("settings", "kind"), [
    ({}, RpgResNet), ({"dof": None}, RpgResNet), ({"network": "resnet18"}, RpgResNet),
    ({"network": VIT, "width": 16, "parts": ("shortcut", "patches")}, RpgViT), ({"network": REPEATED}, RepeatedNet),
])
def test_every_kind_of_network(settings, kind, data, images):
    model = replace(EXPERIMENT, **settings).model(data)
    assert isinstance(model, kind)
    assert model(images).shape == (8, 10)


@pytest.mark.parametrize("network", ["small", VIT, REPEATED])
def test_vanilla_has_all_weights_free(network, data):
    experiment = replace(EXPERIMENT, network=network, width=16)
    model = experiment.model(data)
    drawn = sum(slot.weights for ring in model.rings for slot in ring.slots)
    vanilla = experiment.vanilla().model(data)
    assert not len(vanilla.rings)
    free = sum(p.numel() for p in vanilla.parameters())
    assert free == sum(p.numel() for p in model.parameters()) - sum(ring.size for ring in model.rings) + drawn


def test_rings_that_a_network_has_not_are_refused(data):
    with pytest.raises(Refused, match="of kind vit has no rings by stage"):
        replace(EXPERIMENT, network=VIT, scope=Scope.STAGE).model(data)


def test_the_seed_changes_values_and_addresses(data):
    first, second = (replace(EXPERIMENT, seed=seed).model(data).rings[0] for seed in (0, 1))
    assert not torch.equal(first.free, second.free)
    assert not torch.equal(first.table, second.table)


def test_plain_form_and_back():
    rich = Experiment(
        network=REPEATED, dof=48, addressing=Addressing.HASH, flips=False, scope=Scope.LAYER, parts=("stem",),
        outside=Method.HNN, sharing=Sharing.TIED, own_norms=False, seed=4,
    )
    assert Experiment.from_json(rich.to_json()) == rich
    assert all(type(value) in (str, int, bool, list, type(None)) for value in rich.to_json().values())


def test_an_interrupted_cell_ends_in_the_same_bits(data, tmp_path, monkeypatch):
    whole, _ = train_cell(tmp_path / "whole.pt", EXPERIMENT, data, RECIPE, CPU)
    original = Trainer._tell

    def interrupt(self, record, progress):
        original(self, record, progress)
        if record["epoch"] == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_tell", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_cell(tmp_path / "part.pt", EXPERIMENT, data, RECIPE, CPU)
    assert read_cell(tmp_path / "part.pt")["state"]["epoch"] == 1
    resumed, history = train_cell(tmp_path / "part.pt", EXPERIMENT, data, RECIPE, CPU)
    assert [record["epoch"] for record in history] == [1, 2]
    for one, other in zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_finished_cells_are_not_trained_again(data, tmp_path, capsys):
    cells = {"a": EXPERIMENT, "b": replace(EXPERIMENT, seed=1)}
    first = run_cells(tmp_path, cells, data, RECIPE, CPU)
    assert "cell 1 of 2, a, epoch 2 of 2" in capsys.readouterr().err
    content = (tmp_path / "cells" / "a.pt").read_bytes()
    assert run_cells(tmp_path, cells, data, RECIPE, CPU) == first
    assert "epoch" not in capsys.readouterr().err
    assert (tmp_path / "cells" / "a.pt").read_bytes() == content


@pytest.fixture(scope="module")
def cell(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("cell") / "cell.pt"
    train_cell(path, EXPERIMENT, data, replace(RECIPE, epochs=1), CPU)
    return path


@pytest.mark.parametrize(("change", "words"), [
    ({"experiment": replace(EXPERIMENT, dof=640)}, "with another experiment"),
    ({"recipe": RECIPE}, "with another recipe"),
    ({"images": 150}, "with another dataset sha256"),
])
def test_cells_of_something_else_are_refused(cell, digits, change, words):
    data = prepared(digits, 1, change.get("images", 200))
    with pytest.raises(Refused, match=words):
        train_cell(
            cell, change.get("experiment", EXPERIMENT), data, change.get("recipe", replace(RECIPE, epochs=1)), CPU
        )


def test_damaged_cells_are_refused(cell, tmp_path):
    content = bytearray(cell.read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "bad.pt").write_bytes(content)
    with pytest.raises(Refused, match="damaged or truncated"):
        read_cell(tmp_path / "bad.pt")
    (tmp_path / "short.pt").write_bytes(b"x")
    with pytest.raises(Refused, match="damaged or truncated"):
        read_cell(tmp_path / "short.pt")
    with pytest.raises(Refused, match="does not exist"):
        read_cell(tmp_path / "none.pt")

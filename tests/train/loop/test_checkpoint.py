"""Checkpoints are whole or refused."""

import hashlib
import io

import pytest
import torch

from spec.refusal import Refused
from train.loop import checkpoint
from train.nets.model import HiddenFoldNet

STATE = {
    "settings": {"affine": False, "lr": 3e-3, "widths": (4, 8)}, "network": {}, "dataset_sha256": "0", "versions": {},
    "epoch": 1, "history": [{"epoch": 1}], "model": {"w": torch.arange(4.0)}, "optimizer": {},
    "step": 3, "loss": torch.tensor(0.5), "scaler": {},
}


def test_round_trip(tmp_path):
    state = checkpoint.load(checkpoint.save(tmp_path / "a" / "c.pt", STATE))
    assert {key: state[key] for key in STATE if key not in ("model", "loss")} == {
        key: value for key, value in STATE.items() if key not in ("model", "loss")
    }
    assert torch.equal(state["model"]["w"], STATE["model"]["w"])
    assert torch.equal(state["loss"], STATE["loss"])
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["c.pt"]


@pytest.mark.parametrize("more", [{}, {"average": {"w": torch.ones(2)}}, {"computed_by": {"threads": 1}}])
def test_equal_states_become_the_same_bytes(tmp_path, more):
    """Though texts that are one object here are two there, as in what was read from a file."""
    state = STATE | more
    one = checkpoint.save(tmp_path / "one.pt", state)
    again = checkpoint.load(one)
    for name in ("format", "version", "normalization"):
        del again[name]
    again = {"".join(list(name)): value for name, value in again.items()} | {"history": [{"".join(["epo", "ch"]): 1}]}
    other = checkpoint.save(tmp_path / "other.pt", {name: again[name] for name in state})
    assert one.read_bytes() == other.read_bytes()
    changed = checkpoint.save(tmp_path / "changed.pt", state | {"epoch": 2})
    assert checkpoint.digest(one) == checkpoint.digest(other) != checkpoint.digest(changed)


def flip(content):
    return content[:400] + bytes([content[400] ^ 1]) + content[401:]


def executable(content):
    """A well-formed file that would run code of a class of ours if it were unpickled."""
    buffer = io.BytesIO()
    torch.save(HiddenFoldNet, buffer)
    return buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest()


def sign(content):
    """With the digest that a checkpoint of this content has."""
    return content + hashlib.sha256(content).digest()


@pytest.mark.parametrize(("damage", "message"), [
    (lambda content: content[: len(content) // 2], "is damaged or truncated"),
    (flip, "is damaged or truncated"),
    (executable, r"cannot be read \(UnpicklingError\)"),
    (lambda content: sign(content[:1000]), "cannot be read"),
])
def test_damage_is_refused(tmp_path, damage, message):
    path = checkpoint.save(tmp_path / "c.pt", STATE)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Refused, match=f"Checkpoint {path} {message}"):
        checkpoint.load(path)


@pytest.mark.parametrize(("change", "message"), [
    ({"format": "other"}, "is not a foldenite-checkpoint of version 4"),
    ({"version": 1}, "is not a foldenite-checkpoint of version 4"),
    ({"network": 5}, "has a int as its network, where a dict belongs; train again"),
    ({"settings": None}, "has a NoneType as its settings, where a dict belongs"),
    ({"model": []}, "has a list as its model, where a dict belongs"),
    ({"loss": None}, "has a NoneType as its loss, where a Tensor belongs"),
    ({"scaler": 5}, "has a int as its scaler, where a dict belongs"),
    ({"average": 5}, "has a int as its average, where a dict belongs"),
    ({"computed_by": []}, "has a list as its computed_by, where a dict belongs"),
    ({"history": [5]}, "has 1 records, but epoch [0-9]+ and step"),
    ({"history": [{}]}, "has 1 records, but epoch [0-9]+ and step"),
    ({"history": [{"epoch": 1}, {"epoch": 1}], "epoch": 2}, "has 2 records, but epoch 2 and step"),
    ({"epoch": 10**15}, "but epoch 1000000000000000 and step"),
    ({"step": -1}, "and step -1; train again"),
    ({"history": [float("nan")]}, "Key history of checkpoint .* has a number that is not finite"),
    ({3: 1}, r"wrong set of keys \(\[3\]\)"),
    ({"extra": 1}, r"wrong set of keys \(\['extra'\]\)"),
    ({"normalization": "mean 0.5"}, r"normalized as 'mean 0.5', but the accelerator takes raw bytes \(x/255"),
])
def test_foreign_content_is_refused(tmp_path, change, message):
    path = checkpoint.save(tmp_path / "c.pt", STATE | change)
    with pytest.raises(Refused, match=message):
        checkpoint.load(path)


def test_another_kind_of_file_is_called_one(tmp_path):
    (tmp_path / "m.safetensors").write_bytes(b"\x08" + bytes(7) + b"{}      ")
    with pytest.raises(Refused, match=r"m.safetensors is no checkpoint but another kind of file; give the one that"):
        checkpoint.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize(("values", "message"), [
    ({}, "It lacks 'bias'; train again"),
    ({"weight": 3, "bias": torch.zeros(2)}, "It has 'weight' as int, not torch.float"),
    ({"weight": torch.zeros(2, 2), "bias": torch.zeros(2)}, r"as torch.float32 \(2, 2\), not torch.float32 \(2, 3\)"),
    ({"weight": torch.zeros(2, 3).to_sparse(), "bias": torch.zeros(2)}, r"\(2, 3\) torch.sparse_coo, not"),
    ({"weight": torch.zeros(2, 3), "bias": torch.zeros(2), 3: 1}, "It has an unknown 3"),
])
def test_values_of_another_network_are_refused(values, message):
    with pytest.raises(Refused, match=message):
        checkpoint.take(torch.nn.Linear(3, 2), values, "It")


def test_an_average_is_kept_by_those_that_have_one(tmp_path):
    path = checkpoint.save(tmp_path / "c.pt", STATE | {"average": {}})
    assert checkpoint.load(path)["average"] == {}


def test_absent_file_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"none.pt does not exist; write one with python -m train.fit"):
        checkpoint.load(tmp_path / "none.pt")


def test_restored_network_is_the_trained_one(state):
    model = checkpoint.restore(state)
    assert not model.training
    assert model.state_dict().keys() == state["model"].keys()
    assert all(torch.equal(value, state["model"][name]) for name, value in model.state_dict().items())


def test_a_checkpoint_of_before_rings_and_fine_tuning_is_restored(state):
    network = {key: value for key, value in state["network"].items() if key != "rings"}
    assert "finetuning" not in state["settings"]
    restored = checkpoint.restore(state | {"network": network})
    assert type(restored) is HiddenFoldNet
    assert restored.network == checkpoint.restore(state).network

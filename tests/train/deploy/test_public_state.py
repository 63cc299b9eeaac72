"""State dicts by the names of the public edge-popup codes."""

import pytest
import torch

from spec.refusal import Refused
from spec.topologies import resnet
from tests.train.public_nets import PublicNet
from train.deploy.public_state import PublicState, layers_of, read_state


def saved(tmp_path, what):
    torch.save(what, tmp_path / "state.pt")
    return tmp_path / "state.pt"


@pytest.mark.parametrize(("content", "message"), [
    ({"conv1.weight": torch.zeros(1)}, "has no scores, so it is of no network trained by edge-popup"),
    ([1, 2], "is no state dict of tensors"),
    ({"epoch": 3}, "is no state dict of tensors"),
    (torch.nn.Conv2d(1, 1, 1), "cannot be read without executing what is in it"),
    ({"state_dict": {}, "prune_rate": 1.5}, "says prune_rate 1.5, but a kept fraction is above 0 and at most 1"),
    ({"state_dict": {}, "top_k": "half"}, "says top_k 'half', but a kept fraction"),
    ({"state_dict": {}, "prune_rate": 0.3, "top_k": 0.5}, "contradicts itself: its kept fractions are"),
    ({"state_dict": {}, "arch": 18}, "names its architecture by int"),
    ({"a.scores": torch.zeros(1), "module.a.scores": torch.zeros(1)}, "has two tensors a.scores, one of them"),
])
def test_other_files_are_refused(tmp_path, content, message):
    with pytest.raises(Refused, match=message):
        read_state(saved(tmp_path, content))


def test_absent_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(Refused, match="does not exist"):
        read_state(tmp_path / "nowhere.pt")
    (tmp_path / "text.pt").write_text("scores")
    with pytest.raises(Refused, match="cannot be read"):
        read_state(tmp_path / "text.pt")


@pytest.mark.parametrize("prefix", [
    "", "module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.", "model.module._orig_mod.model.",
])
def test_what_wrappers_put_before_names_is_dropped(tmp_path, prefix):
    state = read_state(saved(tmp_path, {"state_dict": {f"{prefix}layer1.0.conv1.scores": torch.ones(2)}}))
    assert list(state.tensors) == ["layer1.0.conv1.scores"]


def test_what_else_the_file_says(tmp_path):
    whole = {"epoch": 3, "arch": "cResNet18", "prune_rate": 0.5, "state_dict": {"conv1.scores": torch.ones(2)}}
    state = read_state(saved(tmp_path, whole))
    assert (state.arch, state.density) == ("cResNet18", 0.5)
    state = read_state(saved(tmp_path, whole["state_dict"]))
    assert (state.arch, state.density) == (None, None)


def network(folded=()):
    return resnet(50, image=32, classes=10, width=4, counts=(1, 3, 1, 1), folded=folded)


def public_state(tmp_path, folded=(), **more):
    net = PublicNet((4, 8, 16, 32), (1, 3, 1, 1), folded, bottleneck=True, channels=3, **more)
    return PublicState(tmp_path / "x.pt", net.state_dict())


@pytest.mark.parametrize("kind", ["downsample", "shortcut"])
def test_every_layer_of_a_bottleneck_resnet_is_found(tmp_path, kind):
    state = public_state(tmp_path, projection=kind)
    found, left = layers_of(state, network())
    assert left == []
    assert list(found) == [layer.name for layer in network().layers]
    layer = found["stage2.block2.conv2"]
    assert layer.name == "layer2.1.conv2"
    assert torch.equal(layer.scores, state.tensors["layer2.1.conv2.scores"])
    assert torch.equal(layer.norms[0]["running_var"], state.tensors["layer2.1.bn2.running_var"])
    shortcut = found["stage3.entry.shortcut"]
    assert torch.equal(shortcut.norms[0]["running_mean"], state.tensors[f"layer3.0.{kind}.1.running_mean"])
    assert (found["classifier"].name, found["classifier"].norms) == ("fc", ())


@pytest.mark.parametrize("prefix", ["layer", "stage_"])
def test_folded_blocks_have_norms_by_iteration(tmp_path, prefix):
    state = public_state(tmp_path, folded=(2,), prefix=prefix)
    found, left = layers_of(state, network(folded=(2,)))
    assert left == []
    layer = found["stage2.fold.conv3"]
    assert layer.name == f"{prefix}2.1.conv3"
    assert len(layer.norms) == 2
    for t, norm in enumerate(layer.norms):
        assert torch.equal(norm["weight"], state.tensors[f"{prefix}2.1.bnorm3_{t}.weight"])
    assert found["stage2.entry.conv1"].name == f"{prefix}2.0.conv1"


def test_a_linear_classifier_is_a_convolution(tmp_path):
    state = public_state(tmp_path)
    wanted = layers_of(state, network())[0]["classifier"]
    flat = {name: value.flatten(1) if name.startswith("fc.") else value for name, value in state.tensors.items()}
    found = layers_of(PublicState(state.path, flat), network())[0]["classifier"]
    assert torch.equal(found.weight, wanted.weight)
    assert torch.equal(found.scores, wanted.scores)


def test_dense_missing_and_other_layers_are_refused(tmp_path):
    tensors = public_state(tmp_path).tensors
    dense = {name: value for name, value in tensors.items() if name != "fc.scores"}
    with pytest.raises(Refused, match="Layer fc has no scores: its weights are dense"):
        layers_of(PublicState(tmp_path, dense), network())
    gone = {name: value for name, value in tensors.items() if not name.startswith("layer2.1")}
    with pytest.raises(Refused, match=r"State dict .* has no layer2\.1\.conv1\.weight, which layer stage2\.block2"):
        layers_of(PublicState(tmp_path, gone), network())
    hundred = tensors | {"fc.weight": torch.zeros(100, 128, 1, 1)}
    with pytest.raises(Refused, match=r"Tensor fc\.weight is \(100, 128, 1, 1\).* choose the data set"):
        layers_of(PublicState(tmp_path, hundred), network())
    large = tensors | {"conv1.weight": torch.zeros(4, 3, 7, 7)}
    with pytest.raises(Refused, match=r"Tensor conv1\.weight is \(4, 3, 7, 7\).* choose a data set \(--dataset\) of"):
        layers_of(PublicState(tmp_path, large), network())


@pytest.mark.parametrize(("name", "value", "message"), [
    ("layer2.1.conv2.weight", float("nan"), r"layer2\.1\.conv2\.weight holds nan at \(0, 0, 0, 0\), which is no"),
    ("fc.scores", float("inf"), r"fc\.scores holds inf at \(0, 0, 0, 0\), which is no number"),
    ("bn1.running_mean", float("nan"), r"bn1\.running_mean holds nan at \(0,\), which is no number \(1 of 4 are none"),
    ("layer1.0.bn2.running_var", -0.5, r"layer1\.0\.bn2\.running_var holds -0\.5 at \(0,\), which is no variance"),
])
def test_what_is_no_number_is_named(tmp_path, name, value, message):
    state = public_state(tmp_path)
    state.tensors[name].view(-1)[0] = value
    with pytest.raises(Refused, match=f"Tensor {message}"):
        layers_of(state, network())

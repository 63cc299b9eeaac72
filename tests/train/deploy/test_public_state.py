"""State dicts by the names of the public edge-popup code."""

import pytest
import torch

from spec.refusal import Refused
from spec.topologies import resnet
from train.deploy.public_state import layers_of, read_state


def saved(tmp_path, what):
    torch.save(what, tmp_path / "state.pt")
    return tmp_path / "state.pt"


@pytest.mark.parametrize(("content", "message"), [
    ({"conv1.weight": torch.zeros(1)}, "has no scores, so it is of no network trained by edge-popup"),
    ([1, 2], "is no state dict of tensors"),
    ({"epoch": 3}, "is no state dict of tensors"),
    (torch.nn.Conv2d(1, 1, 1), "cannot be read without executing what is in it"),
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


def test_prefixes_of_parallel_training_are_dropped(tmp_path):
    state = read_state(saved(tmp_path, {"state_dict": {"module.conv1.scores": torch.ones(2)}}))
    assert list(state) == ["conv1.scores"]


def network():
    return resnet(50, image=32, classes=10, width=4, counts=(1, 2, 1, 1), folded=())


def public_state(network, kind="downsample"):
    """Random tensors under the names that a bottleneck ResNet has there."""
    state = {}
    sizes = {"conv1": (4, 3, 3, 3), "fc": (10, 128, 1, 1)}
    inputs = 4
    for stage, count in enumerate((1, 2, 1, 1), 1):
        inner = 4 << (stage - 1)
        for block in range(count):
            name = f"layer{stage}.{block}"
            sizes |= {f"{name}.conv1": (inner, inputs, 1, 1), f"{name}.conv2": (inner, inner, 3, 3),
                      f"{name}.conv3": (4 * inner, inner, 1, 1)}
            if block == 0:
                sizes[f"{name}.{kind}.0"] = (4 * inner, inputs, 1, 1)
            inputs = 4 * inner
    for name, size in sizes.items():
        state |= {f"{name}.{what}": torch.randn(size) for what in ("weight", "scores")}
        norm = name.replace("conv", "bn") if "conv" in name else name[:-1] + "1"
        if name != "fc":
            state |= {f"{norm}.{what}": torch.rand(size[0]) for what in ("running_mean", "running_var")}
            state[f"{norm}.num_batches_tracked"] = torch.tensor(7)
    return state


@pytest.mark.parametrize("kind", ["downsample", "shortcut"])
def test_every_layer_of_a_bottleneck_resnet_is_found(kind):
    state = public_state(network(), kind)
    found, left = layers_of(state, network())
    assert left == []
    assert list(found) == [layer.name for layer in network().layers]
    layer = found["stage2.block2.conv2"]
    assert layer.name == "layer2.1.conv2"
    assert torch.equal(layer.scores, state["layer2.1.conv2.scores"].permute(0, 2, 3, 1))
    assert torch.equal(layer.norm["running_var"], state["layer2.1.bn2.running_var"])
    shortcut = found["stage3.entry.shortcut"]
    assert torch.equal(shortcut.norm["running_mean"], state[f"layer3.0.{kind}.1.running_mean"])
    assert (found["classifier"].name, found["classifier"].norm) == ("fc", {})


def test_dense_and_missing_layers_are_refused():
    state = public_state(network())
    dense = {name: value for name, value in state.items() if name != "fc.scores"}
    with pytest.raises(Refused, match="Layer fc has no scores: its weights are dense"):
        layers_of(dense, network())
    gone = {name: value for name, value in state.items() if not name.startswith("layer2.1")}
    with pytest.raises(Refused, match=r"State dict has no layer2\.1\.conv1\.weight, which layer stage2\.block2\.conv1"):
        layers_of(gone, network())

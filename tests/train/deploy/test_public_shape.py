"""The network of a public state dict, from the names and shapes of its tensors."""

from pathlib import Path

import pytest

from spec.refusal import Refused
from tests.train.public_nets import PublicNet
from train.deploy.public_shape import settled, shape_of
from train.deploy.public_state import PublicState
from train.nets.config import Method

FOUR = (4, 8, 16, 32)


def state(*arguments, arch=None, without=(), **more):
    tensors = PublicNet(*arguments, **more).state_dict()
    tensors = {name: value for name, value in tensors.items() if name not in without}
    return PublicState(Path("x.pt"), tensors, None, arch)


def settings(state, **given):
    return settled(state, shape_of(state), given)


@pytest.mark.parametrize(("arguments", "more", "expected"), [
    (((8, 16), (1, 2)), {},
     {"network": "small", "widths": (8, 16), "iterations": (0, 1), "stem": (3, 1), "method": Method.HNN}),
    (((8, 16), (1, 4), (2,)), {},
     {"network": "small", "widths": (8, 16), "iterations": (0, 3), "stem": (3, 1), "method": Method.HFN}),
    ((FOUR, (2, 2, 2, 2)), {"channels": 3},
     {"network": "resnet18", "width": 4, "wider": 1.0, "stages": (2, 2, 2, 2), "method": Method.HNN}),
    ((FOUR, (3, 4, 6, 3), (3, 4), True), {"channels": 3, "prefix": "stage_"},
     {"network": "resnet50", "width": 4, "wider": 1.0, "stages": (3, 4, 6, 3), "fold": (3, 4), "method": Method.HFN}),
    ((FOUR, (1, 2, 1, 1), (), True), {"channels": 3},
     {"network": "resnet50", "width": 4, "wider": 1.0, "stages": (1, 2, 1, 1), "method": Method.HNN}),
])
def test_networks_are_recognized(arguments, more, expected):
    assert settings(state(*arguments, **more)) == expected


def test_options_that_agree_are_taken():
    small = state((8, 16), (1, 2))
    assert settings(small, network="small", widths=(8, 16), iterations=(0, 1), density=0.5)["widths"] == (8, 16)
    assert settings(small, stem=(3, 2))["stem"] == (3, 2)
    four = state(FOUR, (2, 1, 1, 1))
    assert settings(four, network="small", widths=FOUR)["network"] == "small"
    assert settings(four, network="resnet34", stages=(2, 1, 1, 1))["network"] == "resnet34"


@pytest.mark.parametrize(("given", "message"), [
    ({"widths": (8, 32)}, "Option --widths 8,32 contradicts the tensors of x.pt, which say 8,16; leave it out"),
    ({"network": "resnet18"}, "Option --network resnet18 contradicts the tensors of x.pt, which say small"),
    ({"stem": (5, 1)}, "Option --stem 5,1 contradicts the tensors of x.pt, which say 3,1"),
    ({"width": 64}, "Option --width says nothing about a network small, which x.pt holds"),
])
def test_options_that_contradict_are_refused(given, message):
    with pytest.raises(Refused, match=message):
        settings(state((8, 16), (1, 2)), **given)


@pytest.mark.parametrize("arch", ["cResNet18", "cresnet18"])
def test_an_architecture_that_agrees(arch):
    assert settings(state(FOUR, (2, 2, 2, 2), channels=3, arch=arch))["network"] == "resnet18"
    folded = state(FOUR, (3, 4, 6, 3), (3, 4), True, channels=3, prefix="stage_", arch="HFN_cResNet50_3_4_ubn")
    assert settings(folded)["fold"] == (3, 4)
    assert settings(state(FOUR, (2, 2, 2, 2), stem=7, channels=3, arch="ResNet18"))["network"] == "resnet18"


@pytest.mark.parametrize(("arch", "message"), [
    ("cResNet18_BinAct", "of the architecture 'cResNet18_BinAct', which is not known here"),
    ("cResNet18_v2", "of the architecture 'cResNet18_v2', which is not known here"),
    ("VGG_Small", "of the architecture 'VGG_Small', which is not known here"),
    ("cResNet34", "contradicts itself: architecture cResNet34 has depth 34 by name, 18 by its tensors"),
    ("ResNet18", "a first kernel of 7 by name, 3 by its tensors"),
    ("HFN_cResNet18_3_4_ubn", r"folded stages \(3, 4\) by name, \(\) by its tensors"),
])
def test_other_architectures_are_refused(arch, message):
    with pytest.raises(Refused, match=message):
        settings(state(FOUR, (2, 2, 2, 2), channels=3, arch=arch))


def test_networks_of_others_are_refused():
    with pytest.raises(Refused, match="of a network that is none of ours: stages of 8,32 channels"):
        settings(state((2, 8), (1, 1), (), True))
    with pytest.raises(Refused, match=r"of a network that is none of ours: .* stages \[2\] folded"):
        settings(state((8, 16), (3, 3), (2,)))
    with pytest.raises(Refused, match=r"x.pt has no fc.weight of a residual network; it holds bn1\.num"):
        settings(state(without=("fc.weight",)))
    with pytest.raises(Refused, match="has no residual blocks in a row"):
        settings(state(without=("layer1.0.conv1.weight",)))
    with pytest.raises(Refused, match=r"has no convolution layer2\.0\.conv2\.weight"):
        settings(state(without=("layer2.0.conv2.weight",)))

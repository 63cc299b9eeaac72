"""Imported networks compute in floating point what the public code computes, and say what they do not carry over."""

from pathlib import Path

import numpy as np
import pytest
import torch

from spec import golden
from spec.refusal import Refused
from tests.train.public_nets import Masked, PublicNet
from train.deploy.calibration import calibrate
from train.deploy.imported import Code, Reading, imported
from train.deploy.normalization import Normalization
from train.deploy.public_state import PublicState
from train.deploy.quantize import quantize

FOUR = (4, 8, 16, 32)


def images(channels=1, size=8, count=24, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, channels), dtype=np.uint8)


def state_of(net, density=None, arch=None):
    return PublicState(Path("x.pt"), net.state_dict(), density, arch)


def imports(net, pictures, *, density=None, classes=10, **reading):
    return imported(state_of(net, density), Reading(**reading), pictures.shape[1:], classes)


def same_logits(net, found, pictures):
    """Whether the import computes the logits of the original to 1e-5 of the largest."""
    with torch.no_grad():
        ours = found(torch.from_numpy(pictures))
    theirs = net.logits(pictures)
    return float((ours - theirs).abs().max()) <= 1e-5 * float(theirs.abs().max())


@pytest.mark.parametrize("more", [
    {}, {"affine": True}, {"affine": True, "bias": True}, {"mean": (0.3,), "std": (0.4,)},
    {"density": 0.8}, {"density": 0.9}, {"density": 0.55}, {"density": 0.01}, {"density": 1.0},
], ids=str)
def test_logits_are_those_of_the_public_code(more):
    torch.manual_seed(2)
    pictures = images()
    net = PublicNet(**more).settled(pictures)
    normalization = Normalization.of(more.get("mean", (0.0,)), more.get("std", (1.0,)), 1)
    found, report = imports(net, pictures, density=more.get("density", 0.3), normalization=normalization)
    assert same_logits(net, found, pictures)
    assert report.lost == []
    for name, conv in net.named_modules():
        if isinstance(conv, Masked):
            kept = int(conv.kept().sum())
            assert any(hidden.count == kept for hidden in found.convolutions), name


@pytest.mark.parametrize("arguments", [
    (FOUR, (2, 2, 2, 2)), (FOUR, (1, 2, 1, 1), (), True), (FOUR, (1, 2, 4, 3), (3, 4), True),
    (FOUR, (1, 2, 4, 3), (2, 3, 4)), ((8, 16), (1, 4), (2,)),
], ids=str)
@pytest.mark.parametrize("prefix", ["layer", "stage_"])
def test_networks_of_all_kinds_on_normalized_colors(arguments, prefix):
    torch.manual_seed(4)
    pictures = images(3, 32, 12)
    normalization = Normalization((0.49, 0.48, 0.45), (0.247, 0.243, 0.262))
    net = PublicNet(
        *arguments, prefix=prefix, channels=3, classes=7, mean=normalization.mean, std=normalization.deviation
    ).settled(pictures)
    found, report = imports(net, pictures, density=0.3, classes=7, normalization=normalization)
    assert same_logits(net, found, pictures)
    assert report.lost == []


def test_the_stem_of_large_images():
    torch.manual_seed(5)
    pictures = images(3, 96, 4)
    net = PublicNet(FOUR, (2, 2, 2, 2), channels=3, stem=7, projection="downsample", affine=True).settled(pictures)
    found, _ = imports(net, pictures, density=0.3)
    assert found.network.pool
    assert same_logits(net, found, pictures)


@pytest.mark.parametrize("density", [0.3, 0.55, 0.8])
def test_of_biprop_nothing_is_lost(density):
    torch.manual_seed(6)
    pictures = images()
    net = PublicNet(arithmetic="biprop", density=density).settled(pictures)
    found, report = imports(net, pictures, density=density, code=Code.BIPROP)
    assert same_logits(net, found, pictures)
    assert report.lost == []
    assert "magnitudes: one a layer, as biprop computes it, in the batch norms" in report.carried


def test_magnitudes_that_differ_are_lost_in_one_sentence():
    torch.manual_seed(7)
    pictures = images()
    net = PublicNet(arithmetic="normal").settled(pictures)
    found, report = imports(net, pictures, density=0.3)
    assert not same_logits(net, found, pictures)
    (sentence,) = report.lost
    assert sentence.startswith("magnitudes of 9 layers, which differ by up to")
    assert "give --code biprop" in sentence


@pytest.mark.parametrize("spoil", [
    lambda scores: scores.half(), lambda scores: torch.where(scores.abs() < scores.abs().median(), 0.0, scores),
    lambda scores: (scores * 40).round() / 40,
])
@pytest.mark.parametrize("density", [0.3, 0.6, 0.9])
def test_ties_are_kept_as_there_and_said(spoil, density):
    torch.manual_seed(8)
    pictures = images()
    net = PublicNet(density=density)
    for conv in net.modules():
        if isinstance(conv, Masked):
            conv.scores.data = spoil(conv.scores.data)
    net.settled(pictures)
    found, report = imports(net, pictures, density=density)
    assert same_logits(net, found, pictures)
    ties = [sentence for sentence in report.assumed if "tie at the threshold" in sentence]
    tied = [
        name for name, conv in net.named_modules() if isinstance(conv, Masked)
        and conv.scores.abs()[conv.kept() == 1].min() == conv.scores.abs()[conv.kept() == 0].max()
    ]
    assert sorted(sentence.split(" scores of ")[1].split(" that ")[0] for sentence in ties) == sorted(tied)


def test_scores_that_are_a_mask_are_one_whatever_the_density():
    torch.manual_seed(9)
    pictures = images()
    net = PublicNet(density=0.6)
    masks = {name: conv.kept() for name, conv in net.named_modules() if isinstance(conv, Masked)}
    net.settled(pictures)
    state = state_of(net)
    for name, mask in masks.items():
        state.tensors[f"{name}.scores"].copy_(mask)
    found, report = imported(state, Reading(), pictures.shape[1:], 10)
    net.load_state_dict(state.tensors)
    assert same_logits(net, found, pictures)
    assert "scores that are 0 and 1, as masks, whatever the density (9 layers)" in report.carried
    assert not any("density" in sentence for sentence in report.assumed)
    assert found.config.density == pytest.approx(0.6, abs=0.01)
    imported(state, Reading(given={"density": 0.6}), pictures.shape[1:], 10)
    with pytest.raises(Refused, match="Scores of layer conv1 are a mask that keeps 44 of 72 weights, which density"):
        imported(state, Reading(given={"density": 0.3}), pictures.shape[1:], 10)


def test_facts_of_the_file_win_and_contradictions_are_refused():
    torch.manual_seed(10)
    pictures = images()
    state = state_of(PublicNet(density=0.5).settled(pictures), density=0.5)
    for same in ({}, {"density": 0.5}):
        found, report = imported(state, Reading(given=same), pictures.shape[1:], 10)
        assert found.config.density == 0.5
        assert "density 0.5, as the file says" in report.carried
    for given, option in (({"density": 0.3}, "--density"), ({"densities": {"stem": 1.0}}, "--layer-density stem")):
        with pytest.raises(Refused, match=rf"Option {option} \(.*\) contradicts x.pt, which says .* at 0.5"):
            imported(state, Reading(given=given), pictures.shape[1:], 10)


def test_what_is_assumed_is_said():
    pictures = images()
    net = PublicNet().settled(pictures)
    _, report = imports(net, pictures)
    assert [sentence.split(" of ")[0] for sentence in report.assumed] == [
        "density 0.3: the file does not say what it is; --density gives another", "epsilon 1e-05", "blocks",
    ]
    _, report = imports(net, pictures, given={"density": 0.3}, epsilon=1e-3)
    assert report.assumed[0].startswith("epsilon 0.001 of the batch norms")


def test_epsilon_is_that_of_the_option():
    torch.manual_seed(11)
    pictures = images()
    net = PublicNet(affine=True).settled(pictures)
    for norm in net.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.eps = 0.1
    assert same_logits(net, imports(net, pictures, density=0.3, epsilon=0.1)[0], pictures)
    assert not same_logits(net, imports(net, pictures, density=0.3)[0], pictures)


def test_densities_by_layer():
    torch.manual_seed(12)
    pictures = images()
    net = PublicNet()
    net.conv1.density = 1.0
    net.settled(pictures)
    given = {"density": 0.3, "densities": {"stem": 1.0}}
    assert same_logits(net, imports(net, pictures, given=given)[0], pictures)


def test_a_layer_that_keeps_nothing_and_one_that_no_ring_holds_are_refused():
    pictures = images()
    with pytest.raises(Refused, match=r"Layer conv1 keeps none of its 72 weights at density 1e-17"):
        imports(PublicNet(), pictures, given={"density": 1e-17})
    tensors = dict(PublicNet((4, 8), (1, 1)).state_dict())
    wide = 1 << 17
    for name in ("layer2.0.conv1", "layer2.0.conv2", "layer2.0.shortcut.0", "fc"):
        for kind in ("weight", "scores"):
            shape = list(tensors[f"{name}.{kind}"].shape)
            shape = [wide if size == 8 else size for size in shape]
            tensors[f"{name}.{kind}"] = torch.zeros(1).expand(*shape)
    with pytest.raises(Refused, match=r"must be from 1 to 4096"):
        imported(PublicState(Path("x.pt"), tensors), Reading(), pictures.shape[1:], 10)


@pytest.mark.parametrize("deviation", [(0.2, 0.25, 0.32), (0.247, 0.243, 0.262), (0.25, 0.25, 0.25)])
def test_deviations_of_channels_are_deployed(deviation):
    """As magnitudes of the first layer, in as many planes as they need; what it stores is what floats say, rounded."""
    torch.manual_seed(13)
    pictures = images(3, 8, 64)
    normalization = Normalization((0.0,) * 3, deviation)
    net = PublicNet(channels=3, std=deviation, affine=True).settled(pictures)
    found, _ = imports(net, pictures, density=0.3, normalization=normalization)
    scales = calibrate(found, pictures)
    deployed = quantize(found, scales, {})
    levels = normalization.levels()
    trits = (net.conv1.weight.sign() * net.conv1.kept()).permute(0, 2, 3, 1).numpy().astype(np.int8)
    assert np.array_equal(deployed.weights("stem"), (trits * levels).reshape(8, 1, 1, 27))
    assert {layer.planes for layer in deployed.network.layers[1:]} == {1}
    assert (deployed.network.layers[0].planes > 1) == (len(set(deviation)) > 1)
    seen = []
    with torch.no_grad():
        found(torch.from_numpy(pictures), lambda layer, t, values: seen.append(values))
    stored = golden.run(deployed, pictures).stored[0].values
    off = np.abs(stored * scales.steps["stem"] - seen[0].permute(0, 2, 3, 1).numpy())
    assert off.max() < 2 * scales.steps["stem"]


def test_a_color_around_images_is_not_exported_unseen():
    torch.manual_seed(14)
    pictures = images()
    net = PublicNet(mean=0.3).settled(pictures)
    found, _ = imports(net, pictures, density=0.3, normalization=Normalization((0.3,), (1.0,)))
    scales = calibrate(found, pictures)
    with pytest.raises(Refused, match="its images are surrounded by a color, but the accelerator pads with black"):
        quantize(found, scales, {})
    found.convolutions[0].surround = None
    quantize(found, scales, {})


@pytest.mark.parametrize("damage", ["gone", "flat", "longer", "empty", "none"])
def test_a_damaged_tensor_is_refused_by_name(damage):
    """Or what was taken away is said to be none of the network's, or there is nothing to miss."""
    pictures = images()
    whole = state_of(PublicNet((4, 8), (1, 3), (2,), affine=True).eval()).tensors
    for name, value in whole.items():
        if name.endswith("num_batches_tracked"):
            continue
        other = {
            "flat": value.flatten()[: value.numel() - 1], "longer": torch.cat([value, value]),
            "empty": value[:0], "none": torch.full_like(value, float("nan")),
        }.get(damage)
        tensors = {key: x for key, x in whole.items() if key != name} | ({} if other is None else {name: other})
        state = PublicState(Path("x.pt"), tensors)
        if damage == "gone" and (".bn" in f".{name}" or ".shortcut.1." in name) and "running" not in name:
            imported(state, Reading(), pictures.shape[1:], 10)  # A norm that has one of gamma and beta only.
            continue
        with pytest.raises(Refused) as refusal:
            imported(state, Reading(), pictures.shape[1:], 10)
        assert "x.pt" in str(refusal.value) or name.rpartition(".")[0] in str(refusal.value), name

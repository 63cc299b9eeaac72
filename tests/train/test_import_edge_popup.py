"""Import of the public codes' networks by the command, held to networks that share nothing with ours."""

import json

import numpy as np
import pytest
import torch

from spec import model
from spec.refusal import Refused
from tests.train.public_nets import PublicNet
from train import import_edge_popup

DIGITS = ["--dataset", "digits"]


def run(net, tmp_path, capsys, *options, wrap=lambda state: state):
    torch.save(wrap(net.state_dict()), tmp_path / "public.pt")
    command = ["--state", str(tmp_path / "public.pt"), "--out", str(tmp_path / "m.safetensors"), "--json"]
    assert import_edge_popup.main([*DIGITS, *command, *options]) == 0
    return json.loads(capsys.readouterr().out), model.load(tmp_path / "m.safetensors")


def trits_of(conv):
    """OHWI trits of a masked convolution of the public network."""
    return (conv.weight.sign() * conv.kept()).permute(0, 2, 3, 1).detach().numpy().astype(np.int8)


@pytest.mark.parametrize(("projection", "affine", "density"), [("shortcut", False, 0.3), ("downsample", True, 0.9)])
def test_trits_are_equal_and_accuracy_is_close(digits, tmp_path, capsys, projection, affine, density):
    torch.manual_seed(1)
    net = PublicNet(affine=affine, projection=projection, density=density)
    net.fitted(digits.train_images, digits.train_labels)

    def whole(state):
        return {"prune_rate": density, "state_dict": {f"module._orig_mod.{name}": x for name, x in state.items()}}

    result, deployed = run(net, tmp_path, capsys, wrap=whole)
    public = net.accuracy(digits.test_images, digits.test_labels)
    assert public > 0.5
    assert result["float_accuracy"] == pytest.approx(public, abs=1e-6)
    assert result["deployed_accuracy"] == pytest.approx(public, abs=0.01)
    assert result["lost"] == []
    block = net.layer2[0]
    for name, conv in (
        ("stage1.entry.conv2", net.layer1[0].conv2), ("stage2.entry.conv1", block.conv1),
        ("stage2.entry.shortcut", getattr(block, projection)[0]), ("stage2.block2.conv2", net.layer2[1].conv2),
        ("classifier", net.fc),
    ):
        assert np.array_equal(deployed.weights(name), trits_of(conv)), name
    assert np.array_equal(deployed.weights("stem"), trits_of(net.conv1).reshape(8, 1, 1, 9))


def test_a_folded_network_of_the_hidden_fold_code(digits, tmp_path, capsys):
    torch.manual_seed(2)
    net = PublicNet((8, 16), (1, 4), (2,), prefix="stage_").fitted(digits.train_images, digits.train_labels)
    result, deployed = run(net, tmp_path, capsys, wrap=lambda state: {"top_k": 0.3, "state_dict": state})
    public = net.accuracy(digits.test_images, digits.test_labels)
    assert result["float_accuracy"] == pytest.approx(public, abs=1e-6)
    assert result["deployed_accuracy"] == pytest.approx(public, abs=0.015)
    assert result["lost"] == []
    assert [block.iterations for block in deployed.network.blocks] == [1, 1, 3]
    assert deployed.requantizations["stage2.fold.conv1"].multiplier.shape == (3, 16)
    assert np.array_equal(deployed.weights("stage2.fold.conv2"), trits_of(net.stage_2[1].conv2))


def test_a_mean_color_around_images_is_measured(digits, tmp_path, capsys):
    torch.manual_seed(3)
    net = PublicNet(mean=0.3, std=0.4).fitted(digits.train_images, digits.train_labels, epochs=2)
    result, _ = run(net, tmp_path, capsys, "--mean", "0.3", "--std", "0.4", "--density", "0.3")
    public = net.accuracy(digits.test_images, digits.test_labels)
    assert result["float_accuracy"] == pytest.approx(public, abs=1e-6)
    (sentence,) = result["lost"]
    net.mean = net.mean * 0  # Black around the images, the mean in what the norm subtracts.
    with torch.no_grad():
        net.bn1.running_mean += (net.conv1.weight * net.conv1.kept()).sum((1, 2, 3)) * 0.3 / 0.4
    black = net.accuracy(digits.test_images, digits.test_labels)
    assert sentence.endswith(f"float accuracy {public:.2%} with the one, {black:.2%} with the other")


def test_biases_and_what_is_lost_are_listed(digits, tmp_path, capsys):
    torch.manual_seed(4)
    net = PublicNet(arithmetic="normal", bias=True).fitted(digits.train_images, digits.train_labels, epochs=1)
    net.register_buffer("extra", torch.zeros(1))
    result, _ = run(net, tmp_path, capsys)
    assert "bias of layer1.0.conv1, in its batch norm" in result["carried"]
    assert [sentence.split(" ")[0] for sentence in result["lost"]] == ["magnitudes", "tensor"]
    assert "tensor extra: no layer of small has it" in result["lost"]
    assert result["settings"]["density"] == 0.3
    assert any(sentence.startswith("density 0.3: the file does not say") for sentence in result["assumed"])


def test_the_report_is_printed(digits, tmp_path, capsys):
    torch.manual_seed(5)
    net = PublicNet(arithmetic="biprop").fitted(digits.train_images, digits.train_labels, epochs=1)
    torch.save(net.state_dict(), tmp_path / "public.pt")
    command = ["--state", str(tmp_path / "public.pt"), "--out", str(tmp_path / "m.safetensors"), "--code", "biprop"]
    assert import_edge_popup.main([*DIGITS, *command]) == 0
    printed = capsys.readouterr().out
    assert "carried over:\n  supermasks of 9 layers: " in printed
    assert "assumed:\n  density 0.3" in printed
    assert "lost:\n  nothing\n" in printed


@pytest.mark.parametrize(("options", "message"), [
    (["--affine"], "Unrecognized arguments: --affine"),
    (["--calibration", "0"], "Option --calibration must be from 1 to"),
    (["--calibration", "1348"], "Option --calibration must be at most the 1347 training images of digits, not 1348"),
    (["--std", "0"], "Option --std must be numbers with commas, more than 0 and at most 1000 each, not '0'"),
    (["--epsilon", "0"], "Option --epsilon must be more than 0 and at most 1, not 0"),
    (["--code", "other"], "Option --code must be one of edge-popup, biprop, not 'other'"),
    (["--widths", "8,32"], "Option --widths 8,32 contradicts the tensors of .*public.pt, which say 8,16; leave it out"),
])
def test_bad_options_are_refused(tmp_path, capsys, options, message):
    with pytest.raises(Refused, match=message):
        run(PublicNet().eval(), tmp_path, capsys, *options)
    assert not (tmp_path / "m.safetensors").exists()


def test_classes_of_another_data_set_are_refused(tmp_path, capsys):
    with pytest.raises(Refused, match=r"Tensor fc\.weight is \(100, 16, 1, 1\), .* choose the data set"):
        run(PublicNet(classes=100).eval(), tmp_path, capsys)

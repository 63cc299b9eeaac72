"""Model files of named networks from the command line."""

import numpy as np
import pytest

from gen.synthetic import main
from spec.block import Kind
from spec.layer import Scale
from spec.model import load
from spec.network import Head
from spec.refusal import Refused
from spec.supermask import Mode


def test_file_is_the_network_asked_for(tmp_path, capsys):
    out = tmp_path / "m.safetensors"
    command = ["resnet50", "--mode", "1of4", "--width", "16", "--classes", "7", "--folded", "2,3,4", "--wider", "2"]
    assert main([*command, "--seed", "5", "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    network = load(out).network
    assert (network.name, network.seed, network.classes, network.stem.width) == ("hf-wide-resnet50-32", 5, 7, 16)
    assert {block.kind for block in network.blocks} == {Kind.BOTTLENECK}
    assert network.layer("stage2.fold.conv1").shape == (64, 1, 1, 128)
    assert network.layer("stage2.fold.conv1").mode is Mode.ONE_OF_FOUR
    assert load(out).provenance["recipe"] == "synthetic"


def test_fewer_bits(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(["resnet18", "--width", "4", "--bits", "6"])
    out = "build/synthetic/hf-resnet18-32-any-6bit.safetensors"
    assert capsys.readouterr().out == f"{out}\n"
    assert load(tmp_path / out).bits == 6


def test_unfolded_and_pooled(tmp_path):
    out = tmp_path / "m.safetensors"
    main(["resnet18", "--image", "224", "--width", "4", "--folded", "", "--density", "0.5", "--out", str(out)])
    network = load(out).network
    assert (network.name, network.density, network.image) == ("h-resnet18-224", 0.5, (224, 224, 3))
    assert network.pool.out_height == 56


def test_drawn_from_a_ring(tmp_path):
    """Plain, not folded, unless asked; the parts that are named draw too, the others have the mode."""
    out = tmp_path / "m.safetensors"
    options = ["resnet34-rpg", "--width", "4", "--mode", "2of4", "--ring-words", "20", "--planes", "2"]
    options += ["--out", str(out)]
    assert main([*options, "--ring-parts", "stem"]) == 0
    model = load(out)
    network = model.network
    assert (network.name, len(network.layers), network.rings[0].size) == ("resnet34-rpg-32", 37, 320)
    assert {layer.name for layer in network.layers if layer.ring is None} == {
        "stage2.entry.shortcut", "stage3.entry.shortcut", "stage4.entry.shortcut", "classifier",
    }
    assert {network.layers[-1].mode, *network.modes.values()} == {Mode.TWO_OF_FOUR}
    assert np.abs(model.rings["ring"]).max() == 4
    main([*options, "--folded", "3", "--ring-per-stage"])
    network = load(out).network
    assert [block.iterations for block in network.blocks if block.iterations > 1] == [5]
    assert [(ring.name, ring.words, ring.planes) for ring in network.rings] == [
        (f"stage{i}", 20, 2) for i in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("drawn", [False, True])
def test_an_hourglass(drawn, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ring = ["--ring-words", "9", "--planes", "2"] if drawn else []
    options = ["hourglass-rpg" if drawn else "hourglass", "--image", "16", "--width", "8", "--depth", "2", *ring]
    assert main([*options, "--stacks", "2", "--out", "m.safetensors"]) == 0
    network = load(tmp_path / "m.safetensors").network
    assert (network.name, network.head, network.classes) == (f"{options[0]}-16", Head.MAPS, 16)
    assert {block.kind for block in network.blocks} == {Kind.BOTTLENECK}
    assert sum(block.scale is Scale.UP for block in network.blocks) == 4
    assert [ring.words for ring in network.rings] == ([9] if drawn else [])


def test_stacks_that_share(tmp_path):
    out = tmp_path / "m.safetensors"
    options = ["hourglass", "--image", "16", "--width", "8", "--depth", "1", "--stacks", "2", "--out", str(out)]
    assert main([*options, "--shared"]) == 0
    network = load(out).network
    assert [block.name for block in network.blocks if not block.weights_of] == [
        "enter", *(f"stack1.{part}" for part in ("begin", "down1", "middle", "back1", "skip1", "features", "join"))
    ]
    assert sum(bool(block.weights_of) for block in network.blocks) == 7
    main(options)
    assert not any(block.weights_of for block in load(out).network.blocks)


@pytest.mark.parametrize(("options", "sentence"), [
    (["resnet18", "--stacks", "2"], "Options --depth, --stacks and --shared are those of an hourglass; a ResNet"),
    (["resnet18", "--shared"], "Options --depth, --stacks and --shared are those of an hourglass; a ResNet"),
    (["hourglass", "--folded", "3"], "Options --folded and --wider are those of a ResNet; leave them out"),
    (["resnet18-rpg"], "Give --ring-words with a network called -rpg, and only with such a network"),
    (["resnet18", "--ring-words", "5"], "Give --ring-words with a network called -rpg, and only with such a network"),
    (["resnet18-rpg", "--ring-words", "0"], "Option --ring-words must be from 1 to 1048575, not 0"),
    (["resnet18-rpg", "--ring-words", "9", "--planes", "6"], "Option --planes must be from 1 to 5, not 6"),
    (["resnet18-rpg", "--ring-words", "9", "--ring-parts", "fc"], "some of stem, shortcut, classifier, not 'fc'"),
    (["vgg16"], "There is no network 'vgg16'; the networks are resnet18, "),
    (["resnet18", "--mode", "3of4"], "--mode must be one of any, 2of4, 1of4, max1of4, not '3of4'"),
    (["resnet18", "--bits", "3"], "--bits must be from 4 to 8, not 3"),
    (["resnet18", "--folded", "3-4"], "--folded must be numbers with commas, 1 to 4 each, not '3-4'"),
    (["resnet18", "--folded", "5"], "--folded must be numbers with commas, 1 to 4 each, not '5'"),
    (["resnet18", "--classes", "1000000000"], "Option --classes must be from 2 to 65536, not 1000000000"),
    (["resnet18", "--wider", "inf"], "Option --wider must be more than 0 and at most 64, not inf"),
    (["resnet152", "--wider", "4", "--folded="], r"has .* weights, more than the 134,217,728 allowed; use"),
    (["resnet18", "--mode", "1of4", "--density", "0.5"], r"Option --density \(0\.5\) contradicts mode 1of4"),
    (["resnet18", "--image", "0"], "Option --image must be from 1 to 1024, not 0"),
])
def test_what_there_is_not_is_refused(options, sentence):
    with pytest.raises(Refused, match=sentence):
        main(options)

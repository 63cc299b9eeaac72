"""Configurations: the paper's settings of four methods, topologies, JSON, refusals."""

import json

import pytest

from spec.refusal import Refused
from spec.supermask import Mode
from train.nets.config import Method, ModelConfig
from train.nets.norms import FoldedNorm
from train.nets.weights import Weights


@pytest.mark.parametrize(("method", "folds", "masks", "weights", "affine"), [
    (Method.DENSE, False, False, Weights.NORMAL, True),
    (Method.FOLDED, True, False, Weights.SIGNED, False),
    (Method.HNN, False, True, Weights.LFSR, False),
    (Method.HFN, True, True, Weights.LFSR, False),
])
def test_the_papers_settings(method, folds, masks, weights, affine):
    config = ModelConfig.of(method)
    assert (method.folds, method.masks, config.weights, config.affine) == (folds, masks, weights, affine)
    assert (config.norm, config.density, config.mode) == (FoldedNorm.UBN, 0.3, Mode.ANY)
    folded = [block.name for block in config.topology("t", (8, 8, 1), 10).blocks if block.iterations > 1]
    assert folded == (["stage2.fold", "stage3.fold"] if folds else [])


def test_settings_win_over_the_papers():
    config = ModelConfig.of(Method.DENSE, weights="signed", affine=False)
    assert (config.weights, config.affine) == (Weights.SIGNED, False)


@pytest.mark.parametrize(("method", "name"), [
    (Method.DENSE, "resnet50-32"), (Method.FOLDED, "f-resnet50-32"), (Method.HNN, "h-resnet50-32"),
    (Method.HFN, "hf-resnet50-32"),
])
def test_names(method, name):
    config = ModelConfig.of(method, network="resnet50")
    assert config.topology("x", (32, 32, 3), 100).name == name
    wide = ModelConfig.of(method, network="resnet50", wider=2.0)
    assert "wide-resnet50" in wide.topology("x", (32, 32, 3), 100).name


def test_resnets_take_all_settings():
    config = ModelConfig(
        network="resnet50", width=16, wider=1.5, stages=(2, 2, 5, 4), fold=(3,), mode=Mode.TWO_OF_FOUR, density=0.2,
        net_seed=9,
    )
    network = config.topology("x", (28, 28, 1), 10)
    assert (network.seed, network.density, network.image, network.classes) == (9, 0.2, (28, 28, 1), 10)
    assert [block.iterations for block in network.blocks] == [1, 1, 1, 1, 1, 4, 1, 1, 1, 1]
    assert network.layer("stage3.fold.conv2").shape == (96, 3, 3, 96)  # 16 * 4 * 1.5
    assert {layer.mode for layer in network.layers} == {Mode.TWO_OF_FOUR}


def test_densities_per_layer():
    config = ModelConfig(densities={"stem": 1.0, "classifier": 0.5})
    names = ("stem", "stage1.entry.conv1", "classifier")
    assert [config.density_of(name) for name in names] == [1.0, 0.3, 0.5]
    config.topology("x", (8, 8, 1), 10)


@pytest.mark.parametrize("config", [
    ModelConfig(),
    ModelConfig.of(Method.FOLDED, network="resnet34", stages=(3, 4, 9, 3), norm=FoldedNorm.GROUP, bias=True),
    ModelConfig(densities={"stem": 1.0}, mode=Mode.AT_MOST_ONE, widths=(4, 8), iterations=(1, 2), vary=2),
])
def test_json_round_trip(config):
    assert ModelConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(("change", "message"), [
    ({"speed": 1}, r"Unknown key model\.speed"),
    ({"density": "0.3"}, r"Key model\.density must be of type float"),
    ({"affine": 1}, r"Key model\.affine must be of type bool"),
    ({"widths": [4, "x"]}, "Setting --widths must be a number, not 'x'"),
    ({"fold": 3}, "Setting --fold must be several in a row, not 3"),
    ({"densities": {"stem": "all"}}, "Setting --layer-density must be a number, not 'all'"),
    ({"norm": "batch"}, "Setting --norm must be one of"),
])
def test_bad_json_is_refused(change, message):
    with pytest.raises(Refused, match=message):
        ModelConfig.from_json(ModelConfig().to_json() | change)


def test_missing_key_is_refused():
    data = ModelConfig().to_json()
    del data["weights"]
    with pytest.raises(Refused, match=r"Missing key model\.weights"):
        ModelConfig.from_json(data)


def test_configurations_older_than_a_setting_are_read():
    data = ModelConfig(density=0.2).to_json()
    del data["vary"]
    assert ModelConfig.from_json(data) == ModelConfig(density=0.2)


@pytest.mark.parametrize(("settings", "message"), [
    ({"vary": -1}, "Setting --vary must be from 0 to"),
    ({"vary": 1, "method": "hnn"}, "Setting --vary needs recurrent blocks .*; it is 1 with --method hnn"),
    ({"method": "sparse"}, "Setting --method must be one of dense, folded, hnn, hfn, not 'sparse'"),
    ({"weights": "uniform"}, "Setting --weights must be one of lfsr, signed, normal, not 'uniform'"),
    ({"network": "vit"}, "of kind vit neither folds nor has masks; train it with --method dense"),
    ({"network": "vgg16"}, "There is no network 'vgg16'"),
    ({"density": 0}, "Setting --density must be more than 0 and at most 1, not 0"),
    ({"densities": {"stem": 2.0}}, "Setting --layer-density must be more than 0 and at most 1, not 2.0"),
])
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(Refused, match=message):
        ModelConfig(**settings)


@pytest.mark.parametrize(("settings", "message"), [
    ({"mode": "1of4", "density": 0.5}, r"Setting --density \(0\.5\) contradicts mode 1of4, which always keeps 0\.25"),
    ({"mode": "1of4", "density": 0.3}, r"Setting --density \(0\.3\) contradicts mode 1of4"),
    ({"mode": "2of4", "density": 0.9}, r"Setting --density \(0\.9\) contradicts mode 2of4, which keeps at most 0\.5"),
    ({"mode": "max1of4", "density": 0.3}, r"Setting --density \(0\.3\) contradicts mode max1of4"),
])
def test_a_density_that_the_mode_overrides_is_refused_if_it_was_asked_for(settings, message):
    with pytest.raises(Refused, match=message):
        ModelConfig.of(Method.HFN, **settings)
    assert ModelConfig.of(Method.HFN, mode=settings["mode"]).density == 0.3
    assert ModelConfig.of(Method.HFN, mode=settings["mode"], density=0.25).density == 0.25


def test_densities_of_layers_are_those_that_their_modes_keep():
    config = ModelConfig(mode="1of4", densities={"stem": 0.5, "classifier": 0.4})
    config.topology("x", (8, 8, 1), 10)
    with pytest.raises(Refused, match=r"Setting --layer-density classifier \(0\.9\) contradicts mode 2of4"):
        ModelConfig(mode="1of4", densities={"classifier": 0.9}).topology("x", (32, 32, 3), 10)
    with pytest.raises(Refused, match=r"Setting --layer-density stage1\.entry\.conv1 \(0\.5\) contradicts mode 1of4"):
        ModelConfig(mode="1of4", densities={"stage1.entry.conv1": 0.5}).topology("x", (8, 8, 1), 10)


@pytest.mark.parametrize(("settings", "image", "message"), [
    ({"densities": {"conv9": 0.5}}, (8, 8, 1), "Unknown layer 'conv9'"),
    ({"network": "resnet18"}, (32, 24, 3), "Network resnet18 takes square images, not 32x24; choose small"),
    ({"widths": (4,)}, (8, 8, 1), "Give one iteration count per stage width"),
])
def test_impossible_topologies_are_refused(settings, image, message):
    with pytest.raises(Refused, match=message):
        ModelConfig(**settings).topology("x", image, 10)

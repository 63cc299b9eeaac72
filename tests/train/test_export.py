"""Exported files: whole, proven, reproducible, and saying where they come from."""

import dataclasses
import json
import os

import numpy as np
import pytest

from spec import golden, model, vectors
from spec.golden import Trace
from spec.refusal import Refused
from train import export, fit
from train.deploy.calibration import Rule, calibrate
from train.deploy.deployed import DeployedNet
from train.deploy.quantize import quantize
from train.loop import checkpoint


def run(trained, out, *more):
    return export.main(["--checkpoint", str(trained), "--out", str(out), *more])


def vectors_beside(path):
    return path.with_name(f"{path.stem}.vectors.safetensors")


@pytest.fixture
def exported(trained, tmp_path):
    assert run(trained, tmp_path / "tiny.safetensors") == 0
    return tmp_path / "tiny.safetensors"


def test_output_names_what_was_written(trained, tmp_path, capsys):
    run(trained, tmp_path / "m.safetensors")
    paths = [str(tmp_path / "m.safetensors"), str(tmp_path / "m.vectors.safetensors")]
    assert capsys.readouterr().out.splitlines()[-2:] == paths


def test_files_load_and_agree(exported, digits):
    deployed = model.load(exported)
    proof = vectors.load(vectors_beside(exported), deployed)
    assert np.array_equal(proof.images, digits.test_images[:32])
    assert np.array_equal(proof.labels, digits.test_labels[:32])
    assert vectors.difference(golden.run(deployed, proof.images), proof.trace) is None


def test_masks_are_the_trained_ones(exported, state):
    trained = checkpoint.restore(state)
    deployed = model.load(exported)
    for layer in trained.network.layers:
        assert np.array_equal(deployed.masks[layer.name], trained.convolutions[layer.index].mask().numpy())


def test_a_stretched_network_runs_its_block_that_often(trained, exported, tmp_path):
    assert run(trained, tmp_path / "longer.safetensors", "--stretch", "stage2.fold=4") == 0
    usual, longer = model.load(exported), model.load(tmp_path / "longer.safetensors")
    assert [block.iterations for block in longer.network.blocks] == [
        4 if block.name == "stage2.fold" else block.iterations for block in usual.network.blocks
    ]
    assert longer.entry_count > usual.entry_count
    assert longer.provenance["stretched"] == {"stage2.fold": 4}
    assert "stretched" not in usual.provenance
    for name, mask in usual.masks.items():
        assert np.array_equal(longer.masks[name], mask)


@pytest.mark.parametrize(("stretched", "sentence"), [
    ("stage1.entry=2", "has no recurrent block 'stage1.entry' to stretch"),
    ("stage2.fold=-1", "Option --stretch must be from 0 to 255, not -1"),
    ("stage2.fold=0", "Block stage2.fold cannot be left out of a deployed network"),
])
def test_impossible_iterations_are_refused(trained, tmp_path, stretched, sentence):
    with pytest.raises(Refused, match=sentence):
        run(trained, tmp_path / "x.safetensors", "--stretch", stretched)
    assert not list(tmp_path.iterdir())


def test_provenance(exported, state, digits):
    facts = model.load(exported).provenance
    assert facts["dataset"] == "digits"
    assert facts["dataset_sha256"] == digits.digest
    assert facts["recipe"] == json.loads(json.dumps(state["settings"]))
    assert (facts["epochs"], facts["seed"], facts["held_out_images"]) == (2, 0, 450)
    assert facts["float_accuracy"] == state["history"][-1]["held_out_accuracy"]
    net = DeployedNet(model.load(exported))
    assert facts["deployed_accuracy"] == round(net.accuracy(digits.test_images, digits.test_labels), 6)
    how = facts["calibration"]
    assert (how["images"], how["count"], how["bits"]) == ("the first 512 training images", 512, 8)
    assert how["rule"] == min(how["divergence_nats"], key=how["divergence_nats"].get)
    assert set(facts["versions"]) == {"torch", "numpy"}
    assert str(exported.parent) not in json.dumps(facts)


def test_same_checkpoint_same_bytes(trained, exported, tmp_path):
    run(trained, tmp_path / "again.safetensors")
    for path in (exported, vectors_beside(exported)):
        assert path.read_bytes() == path.with_name(path.name.replace("tiny", "again")).read_bytes()


def test_json(trained, tmp_path, capsys):
    run(trained, tmp_path / "m.safetensors", "--json", "--vectors", "3", "--calibration", "100")
    result = json.loads(capsys.readouterr().out)
    deployed = model.load(result["model"])
    assert result["hash"] == deployed.hash
    assert len(vectors.load(result["vectors"], deployed).images) == 3
    assert result["calibration"]["count"] == 100


@pytest.mark.parametrize(("options", "bits", "rule"), [
    (["--bits", "6"], 6, None), (["--bits", "4", "--calibrator", "max"], 4, "max"), (["--calibrator", "p99"], 8, "p99"),
])
def test_bits_and_rule_are_as_asked_for(trained, state, digits, tmp_path, options, bits, rule):
    run(trained, tmp_path / "m.safetensors", "--calibration", "64", *options)
    deployed = model.load(tmp_path / "m.safetensors")
    how = deployed.provenance["calibration"]
    assert (deployed.bits, how["bits"]) == (bits, bits)
    assert how["rule"] == (rule or min(how["divergence_nats"], key=how["divergence_nats"].get))
    assert len(how["divergence_nats"]) == (1 if rule else len(Rule))
    scales = calibrate(checkpoint.restore(state), digits.train_images[:64], Rule(how["rule"]), bits)
    again = quantize(checkpoint.restore(state), scales, {})
    for name, numbers in again.requantizations.items():
        assert np.array_equal(numbers.multiplier, deployed.requantizations[name].multiplier)
        assert numbers.shift == deployed.requantizations[name].shift


@pytest.mark.parametrize("written", [0, 1])
def test_interrupted_export_leaves_no_half_file(trained, tmp_path, monkeypatch, written):
    """Stopped between writing and renaming either file; what was there before stays as it was."""
    (tmp_path / "m.safetensors").write_bytes(b"old")
    renames = []

    def stop(source, target):
        if len(renames) == written:
            raise KeyboardInterrupt
        renames.append(target)
        replace(source, target)

    replace = os.replace
    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        run(trained, tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1 + written


def test_disagreement_is_a_failure_and_writes_nothing(trained, tmp_path, monkeypatch, capsys):
    def wrong(self, images):
        trace = honest(self, images)
        stored = list(trace.stored)
        values = stored[4].values.copy()
        values[1, 2, 3, 0] ^= 1
        stored[4] = dataclasses.replace(stored[4], values=values)
        return Trace(tuple(stored), trace.logits)

    honest = DeployedNet.run
    monkeypatch.setattr(DeployedNet, "run", wrong)
    assert run(trained, tmp_path / "m.safetensors") == 1
    message = capsys.readouterr().err
    assert "torch and the golden model differ, so nothing was written: layer stage2.entry.conv1 iteration 0" in message
    assert "image 1 (y 2, x 3, channel 0)" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("options", "message"), [
    (["--calibration", "-1"], "Option --calibration must be from 0 to"),
    (["--bits", "9"], "Option --bits must be from 4 to 8, not 9"),
    (["--calibrator", "median"], "Option --calibrator must be one of auto, max, .*, not 'median'"),
    (["--vectors", "451"], "Option --vectors must be from 1 to 450 images of digits, not 451"),
    (["--out", "model.bin"], "Option --out must name a .safetensors file, not 'model.bin'"),
    (["--checkpoint", "none.pt"], "Checkpoint none.pt does not exist"),
])
def test_bad_options_are_refused(trained, tmp_path, options, message):
    with pytest.raises(Refused, match=message):
        run(trained, tmp_path / "m.safetensors", *options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("change", "message"), [
    ({"normalization": "(x - 0.5)/0.5"}, r"normalized as '\(x - 0.5\)/0.5', but the accelerator takes raw bytes"),
    ({"dataset_sha256": "0"}, "trained on other images than digits now holds"),
])
def test_foreign_checkpoints_are_refused(state, tmp_path, change, message):
    path = checkpoint.save(tmp_path / "c.pt", state | change)
    with pytest.raises(Refused, match=message):
        run(path, tmp_path / "m.safetensors")


@pytest.mark.parametrize(("options", "message"), [
    (["--method", "dense"], "cannot be exported: --method dense learns dense weights, as those of stem; train with"),
    (["--method", "folded"], "cannot be exported: --method folded learns dense weights"),
    (["--weights", "signed"], "cannot make weights of --weights signed again; train with --weights lfsr"),
    (["--weights", "normal"], "cannot make weights of --weights normal again"),
    (["--bias"], "has no place for learned biases; train without --bias"),
    (["--norm", "layer"], "--norm layer depends on each image, .* train with one of ubn, sbn, nabn"),
    (["--norm", "lrn"], "--norm lrn depends on each image"),
])
def test_what_no_accelerator_has_is_refused(tiny, tmp_path, options, message):
    fit.main([*tiny, "--epochs", "1", *options, "--out", str(tmp_path / "run")])
    with pytest.raises(Refused, match=message):
        run(tmp_path / "run" / "checkpoint.pt", tmp_path / "m.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("options", [
    ["--norm", "sbn"], ["--norm", "nabn"], ["--method", "hnn"], ["--affine"], ["--layer-density", "stem=1.0"],
    ["--norm", "lrn", "--iterations", "0,0"],
])
def test_what_the_accelerator_has_is_exported(tiny, tmp_path, options):
    fit.main([*tiny, "--epochs", "1", *options, "--out", str(tmp_path)])
    assert run(tmp_path / "checkpoint.pt", tmp_path / "m.safetensors") == 0
    deployed = model.load(tmp_path / "m.safetensors")
    assert deployed.masks["stem"].all() == ("stem=1.0" in options)


@pytest.mark.parametrize("mode", ["1of4", pytest.param("any", marks=pytest.mark.slow)])
def test_the_demos_recipe_in_four_epochs(mode, tmp_path, capsys):
    """The network of the demo learns, and loses at most 2 of 450 images on its way to integers."""
    fit.main(["--mode", mode, "--epochs", "4", "--out", str(tmp_path)])
    capsys.readouterr()
    run(tmp_path / "checkpoint.pt", tmp_path / "m.safetensors", "--json")
    result = json.loads(capsys.readouterr().out)
    assert min(result["float_accuracy"], result["deployed_accuracy"]) >= 0.95  # processors differ by a few images
    assert round(450 * (result["float_accuracy"] - result["deployed_accuracy"])) <= 2

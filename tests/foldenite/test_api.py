"""The facade does what the commands do: a tiny network from images to Verilog, and the same sentences on bad input."""

import json

import numpy as np
import pytest
import torch

import foldenite as fd
from foldenite import api
from gen import build as build_command
from sim import run as run_command
from spec import golden, model, vectors
from spec.config import config_for
from spec.refusal import Refused
from train.loop import checkpoint

SETTINGS = {"widths": (4, 8), "iterations": [0, 2], "epochs": 2, "batch": 16, "mode": "1of4", "seed": 3}


def pictures(count, seed):
    """Images of three classes, told by which third is bright."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = rng.integers(0, 60, (count, 6, 6, 1), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 2] += 180
    return images, labels


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return fd.train(*pictures(80, 1), tmp_path_factory.mktemp("train"), name="thirds", **SETTINGS)


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    return fd.export(trained, tmp_path_factory.mktemp("model") / "thirds.safetensors", bits=6)


def test_settings_reach_the_checkpoint(trained):
    state = checkpoint.load(trained.checkpoint)
    settings = state["settings"]
    assert (settings["dataset"], settings["seed"], settings["recipe"]["epochs"]) == ("thirds", 3, 2)
    assert (settings["model"]["widths"], settings["model"]["mode"]) == ((4, 8), "1of4")
    assert state["dataset_sha256"] == trained.dataset.digest
    assert trained.record["epoch"] == 2
    assert trained.accuracy == trained.record["held_out_accuracy"]
    assert (len(trained.dataset.train_images), len(trained.dataset.test_images)) == (60, 20)


def test_training_is_the_same_again_and_leaves_torch_as_it_was(trained, tmp_path):
    torch.set_num_threads(2)
    try:
        again = fd.train(*pictures(80, 1), tmp_path, name="thirds", **SETTINGS)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    first, second = (checkpoint.load(run.checkpoint)["model"] for run in (trained, again))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_checkpoint_is_not_lost_unasked(tmp_path):
    few = pictures(32, 1)
    made = fd.train(*few, tmp_path, **SETTINGS)
    first = made.checkpoint.read_bytes()
    with pytest.raises(Refused, match=r"would be lost; give --resume to go on from it, --overwrite to train anew, or"):
        fd.train(*few, tmp_path, **SETTINGS)
    for remedy in ("resume", "overwrite"):
        fd.train(*few, tmp_path, **SETTINGS, **{remedy: True})
        assert made.checkpoint.read_bytes() == first


def test_images_to_judge_by_can_be_given(tmp_path):
    given = pictures(9, 2)
    made = fd.train(*pictures(32, 1), tmp_path, held_out=given, affine=False, **SETTINGS)
    assert np.array_equal(made.dataset.test_images, given[0])
    assert len(made.dataset.train_images) == 32
    assert checkpoint.load(made.checkpoint)["settings"]["model"]["affine"] is False


def test_the_model_has_its_vectors_and_its_origin(trained, exported):
    deployed = model.load(exported)
    assert deployed.bits == 6
    assert deployed.provenance["dataset"] == "thirds"
    found = vectors.load(exported.with_suffix(".vectors.safetensors"), deployed)
    assert np.array_equal(found.images, trained.dataset.test_images)
    assert vectors.difference(golden.run(deployed, found.images), found.trace) is None


def test_evaluation_is_by_two_that_agree(trained, exported):
    images, labels = pictures(30, 7)
    found = fd.evaluate(exported, images, labels)
    right = int((golden.run(model.load(exported), images).classes == labels).sum())
    by_class = found.pop("by_class")
    assert found == {"accuracy": round(right / 30, 6), "images": 30, "difference": None}
    assert list(by_class) == ["0", "1", "2"]


def test_a_build_is_the_commands(exported, tmp_path):
    made = fd.build(tmp_path / "here", model=exported, pe=16, psum_depth=100, fit=True)
    assert build_command.main(
        ["--model", str(exported), "--psum-depth", "100", "--fit", "--out", str(tmp_path / "there")]
    ) == 0
    for path in (tmp_path / "there").rglob("*.*"):
        assert (tmp_path / "here" / path.relative_to(tmp_path / "there")).read_bytes() == path.read_bytes()
    assert made.config.psum_depth == 100
    assert made.program.model.hash == model.load(exported).hash


def test_a_build_without_a_model(tmp_path):
    assert fd.build(str(tmp_path)).config == config_for(16)


def test_images_through_the_verilog(exported, tmp_path):
    """Images of one's own, and those of the model's vectors; every stored value is the golden model's."""
    images, _ = pictures(2, 9)
    verdict = fd.simulate(exported, images, pe=16, out=tmp_path / "own")
    assert verdict.report.mismatch is None
    classes = golden.run(model.load(exported), images).classes
    assert [verdict.report.predictions[i] for i in range(2)] == classes.tolist()
    assert json.loads((tmp_path / "own" / "report.json").read_text())["references"] == ["golden model"]
    assert {path.name for path in verdict.files} == {"report.json", "layers.json", "report.html"}

    beside = fd.simulate(exported, 1, out=tmp_path / "beside")
    assert (beside.report.mismatch, beside.report.references) == (None, ["golden model", "torch"])


IMAGES, LABELS = pictures(12, 1)


@pytest.mark.parametrize(("images", "labels", "settings", "sentence"), [
    (IMAGES / 255, LABELS, {}, r"^Images must be a uint8 array \(count, height, width, channels\), not float64 "),
    (IMAGES[..., 0], LABELS, {}, r"channels\), not uint8 \(12, 6, 6\)$"),
    (IMAGES[:0], LABELS[:0], {}, r"channels\), not uint8 \(0, 6, 6, 1\)$"),
    (IMAGES.tolist(), LABELS, {}, r"channels\), not list$"),
    (IMAGES, LABELS[1:], {}, r"^Labels must be an integer array \(12,\), one class for each image, not int64 \(11,\)$"),
    (IMAGES, LABELS / 2, {}, r"one class for each image, not float64 \(12,\)$"),
    (IMAGES, LABELS - 3, {}, "^Labels must be classes from 0 on, not -3$"),
    (IMAGES, LABELS, {"epochs": 0}, "Option --epochs must be from 1 to"),
    (IMAGES, LABELS, {"epocs": 1}, r"Unrecognized arguments: --epocs=1 \(did you mean --epochs\?\); see python"),
    (IMAGES, LABELS, {"recipe": "none"}, "There is no recipe 'none'"),
    (IMAGES, LABELS, {"held_out": (IMAGES[:, :5], LABELS)}, r"Held-out images are \(5, 6, 1\), but those to train on"),
    (IMAGES, LABELS, {"held_out": (IMAGES[:3], LABELS)}, r"Labels must be an integer array \(3,\)"),
])
def test_training_refuses_before_it_writes(tmp_path, images, labels, settings, sentence):
    with pytest.raises(Refused, match=sentence):
        fd.train(images, labels, tmp_path / "out", **settings)
    assert not (tmp_path / "out").exists()


def test_outputs_that_are_something_else_are_refused(trained, exported, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(Refused, match="file is a file; give a folder with --out"):
        fd.train(IMAGES, LABELS, tmp_path / "file", **SETTINGS)
    with pytest.raises(Refused, match="file is a file; give a folder with --out"):
        fd.build(tmp_path / "file")
    with pytest.raises(Refused, match="is a folder; name a file to write"):
        fd.export(trained, tmp_path)
    with pytest.raises(Refused, match=r"must name a \.safetensors file"):
        fd.export(trained, tmp_path / "model.bin")
    assert (tmp_path / "file").read_text() == "kept"


def test_impossible_calibration_is_refused(trained, tmp_path):
    with pytest.raises(Refused, match="Setting --bits must be from 4 to 8, not 9"):
        fd.export(trained, tmp_path / "m.safetensors", bits=9)


@pytest.mark.parametrize(("call", "command"), [
    (fd.simulate, lambda path: run_command.main([str(path)])),
    (lambda path: fd.build(path.parent, model=path), lambda path: build_command.main(["--model", str(path)])),
])
def test_a_missing_model_is_refused_as_the_command_does(tmp_path, call, command):
    sentences = []
    for refused in (call, command):
        with pytest.raises(Refused, match="does not exist") as refusal:
            refused(tmp_path / "none.safetensors")
        sentences.append(str(refusal.value))
    assert sentences[0] == sentences[1]


@pytest.mark.parametrize("images", [IMAGES[:, :5], IMAGES.astype(np.int64), IMAGES[0], "many", None])
def test_wrong_images_are_refused_as_the_golden_model_does(exported, images):
    calls = [fd.simulate] if images is not None else []  # where none are given it takes those beside the model
    for call in [*calls, lambda path, images: fd.evaluate(path, images, LABELS)]:
        with pytest.raises(Refused, match=r"^Images for network 'thirds' must be uint8 \(count, 6, 6, 1\), not "):
            call(exported, images)


def test_what_there_is_not_is_refused(exported):
    with pytest.raises(Refused, match="There are no images to run"):
        fd.simulate(exported, IMAGES[:0])
    with pytest.raises(Refused, match=r"Option --images must be from 1 to \d+, not 0; see python -m sim\.run --help"):
        fd.simulate(exported, 0)
    with pytest.raises(Refused, match="There is no named shape of 17 PEs"):
        fd.simulate(exported, IMAGES[:1], pe=17)
    with pytest.raises(Refused, match="knows classes 0 to 2, not 5"):
        fd.evaluate(exported, IMAGES, LABELS + 3)


def test_names():
    assert dir(fd) == sorted(fd.__all__)
    assert fd.Refused is Refused
    for name in set(fd.__all__) - {"Refused"}:
        assert getattr(fd, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="has no attribute 'fly'"):
        _ = fd.fly

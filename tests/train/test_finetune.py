"""Fine-tuned networks: better integers than without, resumable, deployed with the scales they learned with."""

import json

import numpy as np
import pytest
import torch

from spec import golden, model, vectors
from spec.refusal import Refused
from train import export, finetune, fit
from train.deploy.calibration import Rule, calibrate
from train.loop import checkpoint
from train.loop.recipe import Recipe
from train.loop.settings import Settings, read_recipe, recipe_names
from train.loop.trainer import accuracy
from train.nets.fake_quantize import FakeQuantNet

FOUR = ["--bits", "4", "--calibration", "128"]


@pytest.fixture(scope="module")
def start(tiny, tmp_path_factory):
    """Checkpoint of a small float network."""
    out = tmp_path_factory.mktemp("float")
    fit.main([*tiny, "--widths", "8,16", "--epochs", "4", "--out", str(out)])
    return out / "checkpoint.pt"


def tune(start, out, *options):
    assert finetune.main(["--checkpoint", str(start), *FOUR, "--out", str(out), *options]) == 0
    return out / "checkpoint.pt"


def deploy(path, out, *options):
    assert export.main(["--checkpoint", str(path), "--out", str(out), *options]) == 0
    return model.load(out)


@pytest.fixture(scope="module")
def tuned(start, tmp_path_factory):
    """Checkpoint of that network after fine-tuning at 4 bits."""
    return tune(start, tmp_path_factory.mktemp("tuned"), "--epochs", "4", "--lr", "1e-3")


def test_fine_tuning_beats_calibration_at_4_bits(start, tuned, digits, tmp_path):
    """On the held-out images, the best calibration included; and integers are what was trained."""
    plain = deploy(start, tmp_path / "plain.safetensors", *FOUR)
    deployed = deploy(tuned, tmp_path / "tuned.safetensors")
    assert (plain.bits, deployed.bits) == (4, 4)
    before, after = (m.provenance["deployed_accuracy"] for m in (plain, deployed))
    assert after >= before + 0.02
    assert after >= plain.provenance["float_accuracy"] - 0.02
    trained = checkpoint.restore(checkpoint.load(tuned))
    assert abs(after - accuracy(trained, digits.test_images, digits.test_labels)) <= 0.01
    proof = vectors.load(tmp_path / "tuned.vectors.safetensors", deployed)
    assert vectors.difference(golden.run(deployed, proof.images), proof.trace) is None
    assert max(stored.values.max() for stored in proof.trace.stored) == 15


def test_what_the_checkpoint_says(start, tuned, digits, tmp_path):
    state, before = checkpoint.load(tuned), checkpoint.load(start)
    tuning = Settings.from_json(state["settings"]).finetuning
    float_net = checkpoint.restore(before)
    assert (tuning.checkpoint, tuning.bits, tuning.calibrator) == (checkpoint.digest(start), 4, "auto")
    assert tuning.scales == calibrate(float_net, digits.train_images[:128], Rule(tuning.rule), 4)
    assert tuning.float_accuracy == before["history"][-1]["held_out_accuracy"]
    assert Settings.from_json(before["settings"]).finetuning is None
    assert {name: state["settings"][name] for name in ("model", "dataset", "seed")} == {
        name: before["settings"][name] for name in ("model", "dataset", "seed")
    }
    restored = checkpoint.restore(state)
    assert isinstance(restored, FakeQuantNet)
    changed = [
        name for name, values in restored.state_dict().items() if not torch.equal(values, before["model"][name])
    ]
    assert any("scores" in name for name in changed)
    assert any("running_mean" in name for name in changed)
    facts = deploy(tuned, tmp_path / "m.safetensors").provenance
    assert facts["float_accuracy"] == tuning.float_accuracy
    assert facts["calibration"] == {
        "images": "the first 128 training images", "rule": tuning.rule, "count": 128, "bits": 4, "fine_tuned": True,
    }
    assert facts["recipe"] == json.loads(json.dumps(state["settings"]))


def test_it_goes_on_from_the_start_with_rounded_activations(start, digits, tmp_path):
    """At a rate of nothing the scores stay; the accuracy that is logged is that of the rounded network."""
    path = tune(start, tmp_path, "--epochs", "1", "--lr", "1e-12", "--calibrator", "max")
    state, before = checkpoint.load(path), checkpoint.load(start)["model"]
    scores = [name for name in before if name.endswith("scores")]
    assert all(torch.allclose(state["model"][name], before[name]) for name in scores)
    logged = state["history"][-1]["held_out_accuracy"]
    assert logged == round(accuracy(checkpoint.restore(state), digits.test_images, digits.test_labels), 6)
    plain = state | {"settings": {name: v for name, v in state["settings"].items() if name != "finetuning"}}
    assert logged != round(accuracy(checkpoint.restore(plain), digits.test_images, digits.test_labels), 6)


def test_no_step_changes_nothing_but_the_rounding(start, digits):
    """What fine-tuning starts from is the trained network: same state, and at 8 bits nearly the same logits."""
    state = checkpoint.load(start)
    float_net = checkpoint.restore(state)
    tuning = finetune.tuning_of(start, state, digits, finetune.Calibration(calibration=64))
    plain = state | {"settings": state["settings"] | {"finetuning": tuning.to_json()}}
    rounded = checkpoint.restore(plain)
    images = torch.from_numpy(digits.test_images[:64])
    with torch.no_grad():
        one, other = float_net(images).numpy(), rounded(images).numpy()
    assert 0 < np.abs(one - other).max() < 0.1 * np.abs(one).max()


def test_resumed_run_ends_in_the_same_bits(start, tmp_path, monkeypatch):
    class Killed(BaseException):
        pass

    def save(path, state):
        write(path, state)
        if state["epoch"] == 1:
            raise Killed

    options = ["--epochs", "2"]
    whole = checkpoint.load(tune(start, tmp_path / "whole", *options))
    write = checkpoint.save
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save)
        with pytest.raises(Killed):
            tune(start, tmp_path / "cut", *options)
    assert checkpoint.load(tmp_path / "cut" / "checkpoint.pt")["epoch"] == 1
    resumed = checkpoint.load(tune(start, tmp_path / "cut", *options, "--resume"))
    assert all(torch.equal(values, whole["model"][name]) for name, values in resumed["model"].items())
    assert resumed["settings"] == whole["settings"]
    with pytest.raises(Refused, match="was trained with --bits 4, not 5"):
        tune(start, tmp_path / "cut", *options, "--resume", "--bits", "5")


def test_a_second_run_is_refused_before_it_calibrates_or_gives_the_same_bytes(start, tmp_path, monkeypatch):
    """The checkpoint it starts from is told by its digest, which is the same whenever it was trained."""
    path = tune(start, tmp_path, "--epochs", "1")
    first = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.delattr(finetune, "tuning_of")
        with pytest.raises(Refused, match=r"would be lost; give --resume to go on from it, --overwrite to train anew,"):
            tune(start, tmp_path, "--epochs", "1")
    tune(start, tmp_path, "--epochs", "1", "--overwrite")
    assert path.read_bytes() == first


def test_a_float_run_does_not_resume_a_fine_tuned_one(tiny, start, tmp_path):
    path = tune(start, tmp_path / "tuned", "--epochs", "1")
    settings = checkpoint.load(path)["settings"]["recipe"]
    options = ["--widths", "8,16", "--epochs", "1", "--lr", str(settings["lr"]), "--schedule", settings["schedule"]]
    with pytest.raises(Refused, match=r"was trained with --checkpoint [0-9a-f]{64}, not None"):
        fit.main([*tiny, *options, "--out", str(path.parent), "--resume"])


def test_the_recipe_is_gentler():
    recipe = Recipe(epochs=160, batch=64, lr=0.1, schedule="step", milestones=(80.0, 120.0), warmup=5.0, mirror=True)
    assert finetune.gentle(recipe) == Recipe(epochs=32, batch=64, lr=0.1 * 0.1, mirror=True)
    assert finetune.gentle(Recipe(epochs=2, batch=64)).epochs == 1


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_of_ours_can_be_gentler(name):
    """Its rates keep their ratio, and images are of full size."""
    recipe = Recipe.from_json(read_recipe(name)["training"])
    gentle = finetune.gentle(recipe)
    assert gentle.norm_lr / gentle.lr == pytest.approx(recipe.norm_lr / recipe.lr)
    assert gentle.side(0) is None


def test_a_recipe_file_and_options(start, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[training]\nepochs = 5\nbatch = 128\nlr = 0.001\n")
    tuned = tune(start, tmp_path / "out", "--recipe", str(path), "--epochs", "1", "--seed", "7")
    settings = checkpoint.load(tuned)["settings"]
    assert settings["recipe"] == Recipe(epochs=1, batch=128, lr=0.001).to_json()
    assert settings["seed"] == 7


def test_impossible_starts_are_refused(tiny, start, tuned, tmp_path):
    def refused(message, path, *options, out=tmp_path / "out"):
        with pytest.raises(Refused, match=message):
            tune(path, out, *options)

    refused("where --checkpoint lies, which would be lost", start, out=start.parent)
    refused("is of a fine-tuned network; start from the one it was fine-tuned from", tuned)
    refused("Option --bits must be from 4 to 8, not 2", start, "--bits", "2")
    refused("does not exist", tmp_path / "none.pt")
    other = checkpoint.save(tmp_path / "c.pt", checkpoint.load(start) | {"dataset_sha256": "0"})
    refused("was trained on other images than digits now holds", other)
    fit.main([*tiny, "--epochs", "1", "--weights", "signed", "--out", str(tmp_path / "signed")])
    refused("the accelerator cannot make weights of --weights signed", tmp_path / "signed" / "checkpoint.pt")
    assert not (tmp_path / "out").exists()
    with pytest.raises(Refused, match="fine-tuned with scales of its own, of 4 bits; leave out --bits"):
        deploy(tuned, tmp_path / "m.safetensors", "--bits", "4")

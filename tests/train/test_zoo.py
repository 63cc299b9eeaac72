"""The zoo: that its models are as good as listed, that its cards are those of its models, and how it is made."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from spec import golden, vectors
from spec.model import load
from spec.network import Head
from spec.refusal import Refused
from train import export, fit, zoo
from train.deploy import file_limit
from train.deploy.deployed import DeployedNet
from train.deploy.proof import vectors_path
from train.loop.settings import settings_from

ENTRIES = zoo.read_zoo(zoo.ZOO / zoo.LIST)

SMALL = """
[[model]]
name = "one"
title = "one epoch of digits"
accuracy = 0.5
commands = [
    "train.fit --recipe digits --widths 16,32 --iterations 0,2 --epochs 1 --out {work}",
    "train.export --checkpoint {work}/checkpoint.pt --vectors 2 --out {model}",
]
"""


def listed(tmp_path, text=SMALL):
    path = tmp_path / "zoo.toml"
    path.write_text(text)
    return ["--list", str(path), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "zoo")]


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """A folder in which the list :data:`SMALL` was made; tests work on copies (:func:`made`)."""
    folder = tmp_path_factory.mktemp("made")
    assert zoo.main(listed(folder)) == 0
    return folder


@pytest.fixture
def made(made_once, tmp_path):
    """A copy of that folder."""
    return Path(shutil.copytree(made_once, tmp_path / "made"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_model_keeps_in_integers_what_it_learned(entry):
    facts = load(entry.model_in(zoo.ZOO)).provenance
    assert facts["deployed_accuracy"] >= entry.accuracy
    assert facts["float_accuracy"] - facts["deployed_accuracy"] <= 0.003
    assert entry.model_in(zoo.ZOO).stat().st_size < 3_000_000


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_its_vectors_are_what_both_implementations_compute(entry):
    model = load(entry.model_in(zoo.ZOO))
    stored = vectors.load(vectors_path(entry.model_in(zoo.ZOO)), model)
    assert vectors.difference(golden.run(model, stored.images), stored.trace) is None
    assert vectors.difference(DeployedNet(model).run(stored.images), stored.trace) is None
    assert np.all(stored.labels >= 0) or model.network.head is Head.MAPS


def test_cards_are_of_the_models_beside_them(tmp_path):
    for entry in ENTRIES:
        for path in (entry.model_in(zoo.ZOO), entry.picture_in(zoo.ZOO)):
            if path.is_file():
                shutil.copy(path, tmp_path)
    for path in zoo.write_cards(ENTRIES, tmp_path):
        assert path.read_text() == (zoo.ZOO / path.name).read_text(), f"{path.name}: run python -m train.zoo --cards"


def test_a_model_is_made_by_its_commands_and_again_to_the_same_bytes(made, capsys):
    model, trained = made / "zoo" / "one.safetensors", made / "work" / "one" / "log.jsonl"
    first, log = model.read_bytes(), trained.read_text()
    assert "| weights |" in (made / "zoo" / "one.md").read_text()
    assert "[one](one.md)" in (made / "zoo" / "README.md").read_text()
    model.unlink()
    assert zoo.main(listed(made)) == 0  # From the checkpoint: a finished training is not repeated.
    assert model.read_bytes() == first
    assert load(model).provenance["epochs"] == 1
    assert trained.read_text() == log
    assert str(made / "zoo" / "one.md") in capsys.readouterr().out


@pytest.mark.parametrize(("text", "names", "sentence"), [
    ("[[model", [], "is no TOML"),
    ("model = 1", [], "is no TOML file with"),
    (SMALL.replace("title", "titel"), [], "Unknown key model one in"),
    (SMALL, ["two"], "The zoo has no model 'two'; its models are one"),
    (SMALL.replace("accuracy", "share = 0\naccuracy"), [], "Key share of model one in"),
    (SMALL.replace("accuracy", "share = nan\naccuracy"), [], "has a number that is not finite"),
    (SMALL, ["--minutes", "0.001"], "do not hold one epoch of one: its share is"),
    (SMALL.replace("--epochs 1", "--epochs 0"), [], "Model one was not made: python -m train.fit failed"),
])
def test_what_cannot_be_made_is_refused(tmp_path, text, names, sentence):
    with pytest.raises(Refused) as refusal:
        zoo.main([*names, *listed(tmp_path, text)])
    assert sentence in str(refusal.value)
    assert not (tmp_path / "zoo").exists()
    assert not (tmp_path / "work").exists()


def test_what_is_there_is_made_anew_when_told_so(made):
    """Settings that are not those of a checkpoint are refused by train.fit; the remedy it names is one here, too."""
    other = listed(made, SMALL.replace("--epochs 1", "--epochs 2"))
    with pytest.raises(Refused, match=r"Model one was not made: python -m train.fit failed, see above"):
        zoo.main(other)
    assert load(made / "zoo" / "one.safetensors").provenance["epochs"] == 1
    assert zoo.main([*other, "--overwrite"]) == 0
    assert load(made / "zoo" / "one.safetensors").provenance["epochs"] == 2


@pytest.mark.parametrize("there", [
    "zoo/one.safetensors", pytest.param("work/one/checkpoint.pt", marks=pytest.mark.slow)
])
def test_with_minutes_nothing_is_lost_unasked(tmp_path, monkeypatch, there):
    """Before anything is measured or trained; with the option that is named, it begins."""
    path = tmp_path / there
    path.parent.mkdir(parents=True)
    path.write_bytes(b"hours of training")
    options = [*listed(tmp_path), "--minutes", "0.001"]
    with monkeypatch.context() as patch:
        patch.delattr(zoo, "look_at")
        with pytest.raises(Refused) as refusal:
            zoo.main(options)
    assert str(refusal.value) == (
        f"File {path} is there, and would be lost: with --minutes all models are made anew; give --overwrite, or other "
        "folders with --work and --out"
    )
    for remedy in (["--overwrite"], ["--work", str(tmp_path / "w"), "--out", str(tmp_path / "o")]):
        with pytest.raises(Refused, match="do not hold one epoch of one"):
            zoo.main([*options, *remedy])
    assert path.read_bytes() == b"hours of training"


def test_a_file_that_is_too_large_is_not_kept(tmp_path, monkeypatch):
    """With --minutes it is known before anything is trained. The limit is one that 200 images reach."""
    monkeypatch.setattr(file_limit, "FILE_LIMIT", 1 << 20)
    options = listed(tmp_path, SMALL.replace("--vectors 2", "--vectors 200 --calibrator max --calibration 8"))
    sentence = "File one.vectors.safetensors of model one takes 1.3 MiB, but files of a zoo must be below 1 MiB, so"
    with pytest.raises(Refused, match=sentence):
        zoo.main([*options, "--minutes", "0.05"])
    assert not (tmp_path / "work").exists()
    with pytest.raises(Refused, match=sentence):
        zoo.main(options)
    assert (tmp_path / "work" / "one" / "checkpoint.pt").exists()
    assert not (tmp_path / "zoo").exists()


@pytest.mark.parametrize(("options", "out"), [
    (["--out", "a/b"], "a/b"), (["--epochs", "2", "--out=a", "--affine"], "a"), (["--output", "a"], "."), ([], "."),
])
def test_where_a_command_writes(options, out):
    assert zoo._out_of(options) == Path(out)


@pytest.mark.slow
def test_a_model_made_to_a_length_has_as_many_epochs_as_its_card_says(made):
    """Anew: it does not go on from the training that is there."""
    (entry,) = zoo.read_zoo(Path(listed(made)[1]))
    (_, *options), _ = entry.lines(*(made,) * 3)
    longer = entry.of_length(settings_from(fit.parser().parse_args(options)).recipe, 2)
    zoo.make(longer, made, made / "work", made, anew=True)
    zoo.write_cards([longer], made)
    assert load(made / "one.safetensors").provenance["epochs"] == 2
    assert "--epochs=2" in (made / "one.md").read_text()


def test_the_list_for_a_gpu_is_in_the_order_that_counts():
    entries = zoo.read_zoo(zoo.ZOO / "gpu.toml")
    assert [entry.name.split("-", 1)[1] for entry in entries] == [
        "resnet18-1of4", "resnet18-any", "resnet50-1of4", "small-1of4",
    ]
    for entry in entries:
        (_, *training), (_, *exporting) = entry.lines(tmp := zoo.ZOO / "nowhere", tmp, tmp)
        settings_from(fit.parser().parse_args(training))
        export.parser().parse_args(exporting)

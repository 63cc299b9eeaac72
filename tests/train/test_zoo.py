"""The zoo: that its models are as good as listed, that its cards are those of its models, and how it is made."""

import numpy as np
import pytest

from spec import golden, vectors
from spec.model import load
from spec.refusal import Refused
from train import zoo
from train.deploy.deployed import DeployedNet
from train.deploy.proof import vectors_path

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
    assert np.all(stored.labels >= 0)


def test_cards_are_of_the_models_beside_them(tmp_path):
    for entry in ENTRIES:
        (tmp_path / entry.model_in(zoo.ZOO).name).write_bytes(entry.model_in(zoo.ZOO).read_bytes())
    for path in zoo.write_cards(ENTRIES, tmp_path):
        assert path.read_text() == (zoo.ZOO / path.name).read_text(), f"{path.name}: run python -m train.zoo --cards"


def test_a_model_is_made_by_its_commands_and_again_to_the_same_bytes(tmp_path, capsys):
    options = listed(tmp_path)
    assert zoo.main(options) == 0
    model = tmp_path / "zoo" / "one.safetensors"
    first = model.read_bytes()
    assert "| weights |" in (tmp_path / "zoo" / "one.md").read_text()
    assert "[one](one.md)" in (tmp_path / "zoo" / "README.md").read_text()
    assert str(tmp_path / "zoo" / "one.md") in capsys.readouterr().out
    model.unlink()
    trained = (tmp_path / "work" / "one" / "checkpoint.pt").stat().st_mtime_ns
    assert zoo.main(options) == 0  # From the checkpoint: a finished training is not repeated.
    assert model.read_bytes() == first
    assert load(model).provenance["epochs"] == 1
    assert (tmp_path / "work" / "one" / "checkpoint.pt").stat().st_mtime_ns >= trained


@pytest.mark.parametrize(("text", "names", "sentence"), [
    ("[[model", [], "is no TOML file with"),
    ("model = 1", [], "is no TOML file with"),
    (SMALL.replace("title", "titel"), [], "entries of name, title, accuracy and commands"),
    (SMALL, ["two"], "The zoo has no model 'two'; its models are one"),
    (SMALL.replace("--epochs 1", "--epochs 0"), [], "Model one was not made: python -m train.fit failed"),
])
def test_what_cannot_be_made_is_refused(tmp_path, text, names, sentence):
    with pytest.raises(Refused) as refusal:
        zoo.main([*names, *listed(tmp_path, text)])
    assert sentence in str(refusal.value)
    assert not (tmp_path / "zoo").exists()

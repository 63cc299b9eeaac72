"""Judging a model file."""

import dataclasses
import json

import numpy as np
import pytest

from spec import golden, model
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network
from train import eval as evaluation
from train import export
from train.deploy.deployed import DeployedNet


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("eval") / "m.safetensors"
    export.main(["--checkpoint", str(trained), "--out", str(path)])
    return path


def test_accuracy_is_the_golden_models(exported, digits, capsys):
    assert evaluation.main([str(exported), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    deployed = model.load(exported)
    classes = np.concatenate([logits.argmax(1) for logits in golden.predict(deployed, digits.test_images)])
    assert result == {
        "schema_version": 1,
        "accuracy": round(float((classes == digits.test_labels).mean()), 6), "images": 450, "difference": None,
        "model": str(exported), "hash": deployed.hash, "bit_exact": True,
    }
    assert result["accuracy"] == deployed.provenance["deployed_accuracy"]


def test_table(exported, capsys):
    assert evaluation.main([str(exported)]) == 0
    out = capsys.readouterr().out
    assert "of 450 held-out images" in out
    assert "bit-exact" in out


def test_disagreement_is_a_failure(exported, monkeypatch, capsys):
    def wrong(self, images):
        trace = honest(self, images)
        return dataclasses.replace(trace, logits=trace.logits + 1)

    honest = DeployedNet.run
    monkeypatch.setattr(DeployedNet, "run", wrong)
    assert evaluation.main([str(exported), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert not result["bit_exact"]
    assert result["difference"].startswith("held-out images from 0: logits image 0 class 0: expected")


@pytest.mark.parametrize(("image", "classes", "message"), [
    ((8, 8, 1), 7, "Network 't' knows 7 classes, but digits has 10; evaluate it on the data it was trained on"),
    ((9, 8, 1), 10, r"Images for network 't' must be uint8 \(count, 9, 8, 1\)"),
])
def test_models_of_other_data_are_refused(tmp_path, image, classes, message):
    network = residual_network("t", image=image, classes=classes, widths=(4,), iterations=(0,))
    path = model.save(synthetic_model(network, 0), tmp_path / "m.safetensors")
    with pytest.raises(Refused, match=message):
        evaluation.main([str(path)])


@pytest.mark.parametrize(("options", "message"), [
    (["none.safetensors"], "none.safetensors does not exist"),
    (["--dataset", "cats"], "Unknown dataset 'cats'"),
])
def test_bad_options_are_refused(exported, options, message):
    with pytest.raises(Refused, match=message):
        evaluation.main(options if "none.safetensors" in options else [str(exported), *options])

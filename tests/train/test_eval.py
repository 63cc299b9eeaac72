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
        "by_class": {
            str(i): round(float((classes == i)[digits.test_labels == i].mean()), 6) for i in range(10)
        },
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
    ((9, 8, 1), 10, "takes images of 9x8x1, but those of digits are 8x8x1; evaluate it .* with the same --shrink"),
])
def test_models_of_other_data_are_refused(tmp_path, image, classes, message):
    network = residual_network("t", image=image, classes=classes, widths=(4,), iterations=(0,))
    path = model.save(synthetic_model(network, 0), tmp_path / "m.safetensors")
    with pytest.raises(Refused, match=message):
        evaluation.main([str(path), "--dataset", "digits"])
    with pytest.raises(Refused, match=r"m\.safetensors does not say what it was trained on; give --dataset"):
        evaluation.main([str(path)])


@pytest.mark.parametrize(("options", "message"), [
    (["none.safetensors"], "none.safetensors does not exist"),
    (["--dataset", "cats"], "Unknown dataset 'cats'"),
    (["--log", "log.jsonl"], "Option --log is for the curve on a page; give --page as well"),
    (["--log", "none.jsonl", "--page", "p.html"], r"Log none\.jsonl does not exist; .* that train\.fit wrote"),
])
def test_bad_options_are_refused(exported, options, message):
    with pytest.raises(Refused, match=message):
        evaluation.main(options if "none.safetensors" in options else [str(exported), *options])


def test_a_page(exported, trained, tmp_path, capsys):
    page = tmp_path / "p.html"
    assert evaluation.main([str(exported), "--page", str(page), "--log", str(trained.with_name("log.jsonl"))]) == 0
    text = page.read_text()
    assert capsys.readouterr().out.splitlines()[-1] == str(page)
    for heading in ("By class", "What is taken for what", "The worst mistakes", "How it was trained"):
        assert f"<h2>{heading}</h2>" in text
    assert f"{100 * model.load(exported).provenance['deployed_accuracy']:.2f} %" in text
    assert text.count("data:image/png;base64,") == 24
    assert "http" not in text.replace("http://www.w3.org", "")
    assert evaluation.main([str(exported), "--page", str(page)]) == 0
    assert "How it was trained" not in page.read_text()

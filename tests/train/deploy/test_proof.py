"""What is proved and stored: vectors that both implementations agree on, the model last, a sentence on a wrong name."""

import dataclasses

import numpy as np
import pytest

from spec import model, vectors
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network
from train.deploy.deployed import DeployedNet
from train.deploy.proof import MismatchError, proved, store, vectors_path


@pytest.fixture
def deployed():
    return synthetic_model(residual_network("t", image=(8, 8, 1), classes=10, widths=(4,), iterations=(2,)), 3)


def test_the_proof_is_of_the_first_images_and_the_accuracy_of_all(deployed, digits):
    proof, accuracy = proved(deployed, digits, 3)
    assert np.array_equal(proof.images, digits.test_images[:3])
    classes = DeployedNet(deployed).run(digits.test_images).classes
    assert accuracy == (classes == digits.test_labels).mean()


def test_a_disagreement_says_where(deployed, digits, monkeypatch):
    honest = DeployedNet.run
    monkeypatch.setattr(DeployedNet, "run", lambda self, images: dataclasses.replace(
        honest(self, images), logits=honest(self, images).logits + 1
    ))
    with pytest.raises(MismatchError, match="logits image 0 class 0"):
        proved(deployed, digits, 2)


def test_what_is_stored_is_what_was_proved(deployed, digits, tmp_path):
    proof, _ = proved(deployed, digits, 2)
    path, beside = store(deployed, proof, tmp_path / "m.safetensors")
    assert beside == tmp_path / "m.vectors.safetensors"
    assert vectors.difference(vectors.load(beside, model.load(path)).trace, proof.trace) is None


def test_a_wrong_name_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"^Option --out must name a \.safetensors file, not '\S+m\.bin'$"):
        vectors_path(tmp_path / "m.bin")

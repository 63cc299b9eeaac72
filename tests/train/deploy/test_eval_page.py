"""The page on how well a network does."""

import numpy as np

from spec.model import with_provenance
from spec.synthetic import synthetic_model
from spec.topologies import residual_network
from train.data import Dataset
from train.deploy.eval_page import eval_page
from train.deploy.judgement import judge


def page_of(classes: int, names: list[str], log=()) -> str:
    network = residual_network("t", image=(6, 4, 3), classes=classes, widths=(4,), iterations=(0,))
    facts = {"class_names": names} if names else {}
    deployed = with_provenance(synthetic_model(network, 0), float_accuracy=0.5, **facts)
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 4, 3), dtype=np.uint8)
    dataset = Dataset("mine", images, np.zeros(20, int), images, np.arange(20) % 2, classes)
    return eval_page(deployed, dataset, judge(deployed, dataset), log)


def test_names_are_text():
    page = page_of(3, ["<b>ant", "bee", "cat"])
    assert "&lt;b&gt;ant" in page
    assert "<b>ant" not in page
    assert "50.00 %" in page


def test_many_classes_are_not_drawn():
    assert "What is taken for what" in page_of(40, [])
    assert "What is taken for what" not in page_of(41, [])


def test_a_curve_needs_a_log():
    log = [{"epoch": 1.0, "loss": 2.0, "held_out_accuracy": 0.1}, {"epoch": 2.0, "loss": 1.0, "held_out_accuracy": 0.4}]
    page = page_of(2, [], log)
    assert "epoch 2: held-out accuracy, % 40" in page
    assert page == page_of(2, [], log)

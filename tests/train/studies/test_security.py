"""The seed is a key: the values of a trained ring mean nothing without it (RPG, section 5.6, "Security")."""

import torch

from train.loop.processes import Processes
from train.loop.trainer import accuracy
from train.studies.trained import train_on
from train.studies.variants import ring_parser, settings_of


def test_a_wrong_seed_decodes_a_ring_to_chance(tiny_study, digits):
    command = [*tiny_study, "--images", "0", "--epochs", "4", "--batch", "32"]
    arguments = ring_parser("x", "x", dof=640).parse_args(command)
    settings = settings_of(arguments, {}, 0)
    trained = settings.untrained(digits)
    assert train_on(trained, settings, digits, Processes.start("cpu"), "x") > 0.8
    found = {}
    for seed in (0, 1, 2, 3):
        model = settings_of(arguments, {"net_seed": seed}, 0).untrained(digits)
        model.load_state_dict(trained.state_dict())  # Values, batch norms, stem, classifier: all but the seed.
        found[seed] = accuracy(model.eval(), digits.test_images, digits.test_labels)
    assert found[0] > 0.8
    wrong = torch.tensor([found[seed] for seed in (1, 2, 3)])
    assert wrong.mean() < 0.2, found  # Chance is 0.1.
    assert wrong.max() < 0.3, found

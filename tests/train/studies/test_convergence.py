"""The convergence meter on curves whose answer is known, and the command."""

import json

import numpy as np
import pytest
import torch

from spec.refusal import Refused
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.studies import convergence
from train.studies.convergence import accuracy_curve, convergence_iteration, moving_average


@pytest.mark.parametrize("window", [1, 3, 10])
def test_moving_average_against_a_loop(window):
    values = np.random.default_rng(0).random(20)
    want = [np.mean(values[max(0, i + 1 - window) : i + 1]) for i in range(20)]
    assert np.allclose(moving_average(values, window), want)


@pytest.mark.parametrize(("curve", "window", "want"), [
    ([0.1, 0.5, 0.94, 0.95, 1.0], 1, 4),  # 0.95 is within 5 % of 1, 0.94 is not
    ([0.1, 0.5, 0.96, 0.5, 1.0], 1, 3),  # the first time counts
    ([0.0, 1.0, 1.0, 1.0, 1.0], 2, 3),  # the average lags
    ([0.8], 5, 1),
    ([1.2, 0.5, 0.96, 1.0], 1, 3),  # too high is not within either
])
def test_first_average_within_five_percent_of_the_last(curve, window, want):
    assert convergence_iteration(curve, window) == want


def test_a_faster_curve_converges_sooner():
    fast, slow = ([1 - np.exp(-i / tau) for i in range(200)] for tau in (10, 20))
    # 1 - exp(-i/tau) reaches 0.95 at i = 3 tau.
    assert convergence_iteration(fast, 1) == 31
    assert convergence_iteration(slow, 1) == 61


def test_nonsense_is_refused():
    with pytest.raises(Refused, match="at least one accuracy"):
        convergence_iteration([], 1)
    with pytest.raises(Refused, match="window of at least 1, not 0"):
        moving_average([1.0], 0)


def test_a_measurement_every_few_steps(small_rpg, digits):
    recipe = Recipe(epochs=2, batch=400, schedule="constant")
    processes = Processes(0, 1, torch.device("cpu"))
    curve = accuracy_curve(small_rpg(), digits, recipe, 0, processes, every=2, judged=50)
    assert len(curve) == 3  # 3 steps an epoch
    assert all(0 <= value <= 1 and (value * 50).is_integer() for value in curve)


def test_no_seed_is_refused(tiny_study):
    with pytest.raises(Refused, match="at least one of --seeds"):
        convergence.main([*tiny_study, "--seeds", ""])


def test_command(tiny_study, tmp_path, capsys):
    options = ["--batches", "50,100", "--every", "1", "--judged", "20", "--window", "2", "--json"]
    assert convergence.main([*tiny_study, *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [(row["batch"], row["network"], len(row["curve"])) for row in result["rows"]] == [
        (50, "vanilla", 4), (50, "ring", 4), (100, "vanilla", 2), (100, "ring", 2),
    ]
    assert json.loads((tmp_path / "out" / "result.json").read_text())["rows"] == result["rows"]

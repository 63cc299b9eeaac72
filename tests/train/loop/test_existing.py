"""A checkpoint that is there: kept, resumed where that gives the same bits, or overwritten when told so."""

import argparse

import pytest
import torch

from spec.refusal import Refused
from train.loop import checkpoint
from train.loop.existing import Existing, add_existing, computed_by, keep_existing, resumable, versions
from train.loop.processes import Processes
from train.loop.settings import Settings

ALONE = Processes(0, 1, torch.device("cpu"))


@pytest.mark.parametrize(("words", "existing"), [
    ([], Existing.KEEP), (["--resume"], Existing.RESUME), (["--overwrite"], Existing.OVERWRITE),
])
def test_it_is_kept_unless_an_option_says_otherwise(tmp_path, words, existing):
    parser = argparse.ArgumentParser()
    add_existing(parser)
    assert parser.parse_args(words).existing is existing
    path = tmp_path / "checkpoint.pt"
    keep_existing(path, existing)  # nothing to lose
    path.touch()
    if words:
        keep_existing(path, existing)
    else:
        with pytest.raises(Refused) as refusal:
            keep_existing(path, existing)
        assert str(refusal.value) == (
            f"Checkpoint {path} is there, and would be lost; give --resume to go on from it, --overwrite to train "
            "anew, or another folder"
        )


def test_both_options_contradict_each_other(capsys):
    parser = argparse.ArgumentParser()
    add_existing(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--resume", "--overwrite"])
    assert "not allowed with" in capsys.readouterr().err


def test_what_computes():
    assert computed_by(ALONE) == {"device": "cpu", "threads": 1, "processes": 1}
    # Threads of the CPU compute nothing there.
    assert computed_by(Processes(1, 4, torch.device("cuda", 1))) == {"device": "cuda", "processes": 4}


@pytest.fixture
def of_settings(state, digits, tmp_path):
    """``of_settings(changes)``: a checkpoint of the small run with them, and what is needed to resume it."""
    def make(changes):
        path = checkpoint.save(tmp_path / "c.pt", state | changes)
        return path, Settings.from_json(state["settings"]), digits, ALONE

    return make


def test_one_of_the_same_run_is_given_back(of_settings, state):
    found = resumable(*of_settings({}))
    assert found["computed_by"] == computed_by(ALONE)
    assert all(torch.equal(values, found["model"][name]) for name, values in state["model"].items())


def test_one_that_does_not_say_what_computed_it_is_resumed(of_settings, state):
    """As those of before it was kept."""
    old = {name: value for name, value in state.items() if name != "computed_by"}
    path, *others = of_settings({})
    checkpoint.save(path, old)
    assert "computed_by" not in resumable(path, *others)


CPU = {"device": "cpu", "threads": 1, "processes": 1}


@pytest.mark.parametrize(("changes", "said"), [
    ({"computed_by": CPU | {"threads": 2}}, "with --threads 2, not --threads 1, on which the bits depend; resume"),
    ({"computed_by": {"device": "cuda", "processes": 1}}, "with --device cuda, not --device cpu, on which the bits"),
    ({"computed_by": CPU | {"processes": 2}}, "with torchrun --nproc-per-node 2, not torchrun --nproc-per-node 1"),
    ({"dataset_sha256": "0"}, "was trained on other images than digits now holds; start again with --overwrite"),
    ({"versions": {"torch": "1.0"}}, "was written with {'torch': '1.0'}, not {'torch': "),
])
def test_one_that_would_end_in_other_bits_is_refused(of_settings, changes, said):
    with pytest.raises(Refused) as refusal:
        resumable(*of_settings(changes))
    assert said in str(refusal.value)
    assert str(refusal.value).endswith("start again with --overwrite")


def test_one_of_other_settings_is_refused(of_settings):
    path, settings, *others = of_settings({})
    other = Settings.from_json(settings.to_json() | {"seed": settings.seed + 1})
    with pytest.raises(Refused, match="was trained with --seed 0, not 1; resume with the same settings or start"):
        resumable(path, other, *others)


def test_versions_are_those_of_the_arithmetic():
    assert versions().keys() == {"torch", "numpy"}
    assert versions()["torch"] == torch.__version__

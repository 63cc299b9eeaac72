"""What becomes of flips, counted; and what the command refuses before anything is built."""

import pytest

from sim import upsets
from spec.model import save
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture
def path(tmp_path):
    network = residual_network("t", image=(4, 4, 1), classes=3, widths=(8,), iterations=(0,))
    return str(save(synthetic_model(network, seed=1), tmp_path / "t.safetensors"))


def test_outcomes_are_counted_by_memory():
    flips = [("mask", "detected"), ("x", "wrong"), ("mask", "harmless"), ("mask", "detected")]
    counts = upsets._counts([{"memory": memory, "outcome": outcome} for memory, outcome in flips])
    assert counts == {
        "mask": {"detected": 2, "harmless": 1, "wrong": 0}, "x": {"detected": 0, "harmless": 0, "wrong": 1},
    }
    assert list(counts) == ["mask", "x"]


def test_fewer_images_than_lanes_are_refused(path, tmp_path):
    options = ["--pe", "64", "--groups", "4", "--rows", "4", "--lanes", "4", "--images", "3"]
    with pytest.raises(Refused, match=r"^A build of 4 lanes needs as many images, not 3; use fewer --lanes or more "):
        upsets.main([path, *options, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("option", "value"), [
    ("--flips", "-1"), ("--rates", "-1"), ("--rates", "nan"), ("--served", "x"), ("--protect", "crc"),
])
def test_options_out_of_range_are_refused(path, option, value):
    with pytest.raises(Refused, match=f"^Option {option} must be "):
        upsets.main([path, option, value])

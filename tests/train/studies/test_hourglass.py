"""A pose network from figures to a model file by one command."""

import json

import pytest

from spec import vectors
from spec.model import load
from spec.refusal import Refused
from train.studies.hourglass import main

TINY = ["--side", "16", "--width", "8", "--depth", "1", "--people", "6", "--held-out", "7", "--epochs", "2"]


@pytest.mark.parametrize("ring", [[], ["--ring", "512"]])
def test_model_vectors_and_picture(ring, tmp_path, capsys):
    assert main([*TINY, *ring, "--iterations", "2", "--seed", "3", "--out", str(tmp_path)]) == 0
    first, *paths = capsys.readouterr().out.splitlines()
    assert paths == [str(tmp_path / f"pose.{kind}") for kind in ("vectors.safetensors", "svg", "safetensors")]
    model = load(tmp_path / "pose.safetensors")
    facts = model.provenance
    assert json.loads(first) == {name: facts[name] for name in ("judged", "float_accuracy", "deployed_accuracy")}
    assert (facts["dataset"], facts["held_out_images"], facts["epochs"], facts["seed"]) == ("figures", 7, 2, 3)
    assert bool(model.network.rings) == bool(ring)
    assert [block.iterations for block in model.network.blocks if block.iterations > 1] == [2]
    assert len(vectors.load(tmp_path / "pose.vectors.safetensors", model).images) == 6
    assert (tmp_path / "pose.svg").read_text().count("data:image/png") == 6


@pytest.mark.parametrize("ring", [[], ["--ring", "512"]])
def test_stacks_that_share(ring, tmp_path, capsys):
    assert main([*TINY, *ring, "--stacks", "2", "--shared", "--iterations", "1", "--out", str(tmp_path)]) == 0
    network = load(tmp_path / "pose.safetensors").network
    assert {block.name for block in network.blocks if block.weights_of} == {
        block.name for block in network.blocks if block.name.startswith("stack2.")
    }
    assert bool(network.rings) == bool(ring)


def test_a_network_that_cannot_be_is_refused(tmp_path):
    with pytest.raises(Refused, match="which 1of4 cannot group by 4"):
        main([*TINY, "--width", "6", "--mode", "1of4", "--out", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []

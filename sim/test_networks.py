"""Whole networks through `python -m sim.networks`, and random ones through `python -m sim.fuzz`."""

import json
from pathlib import Path

import pytest

from sim import fuzz, networks
from sim.network_list import read_list

SMALL = Path(__file__).with_name("small_networks.toml")


@pytest.mark.slow
@pytest.mark.parametrize("pe", [16, 64, 256])
def test_a_narrow_bottleneck_network_in_every_mode(pe, tmp_path, capsys):
    options = ["--list", str(SMALL), f"--only=-pe{pe}", "--out", str(tmp_path), "--json"]
    assert networks.main(options) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["mode"] for row in rows] == ["any", "2of4", "1of4"]
    network = read_list(SMALL)[0].network
    stored = sum(step.layer.positions * step.layer.outputs for step in network.steps[:-1])
    for row in rows:
        assert row["mismatches"] == 0
        assert row["problem"] is None
        assert row["cycles_per_image_measured"] == row["cycles_per_image_predicted"]
        assert row["values_compared"] == stored + 2 * network.classes  # the logits of both programs
    any_, two, one = (row["cycles_per_image_measured"] for row in rows)
    assert any_ == two > one  # Two passes, whatever of a group is kept; or one.


@pytest.mark.slow
def test_random_networks_on_random_builds(tmp_path):
    assert fuzz.main(["--networks", "50", "--seed", "2", "--out", str(tmp_path)]) == 0


@pytest.mark.slow
def test_the_whole_list():
    assert networks.main([]) == 0

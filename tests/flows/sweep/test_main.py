"""The command: that every executor gives the same, and what is refused."""

import json

import pytest

from flows.sweep.__main__ import main
from flows.tools.targets import TARGETS
from spec.model import save
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import rpg


def test_the_command_writes_the_same_points_whoever_computes(tmp_path, runs, model_file, capsys):
    from distributed import LocalCluster

    options = [str(model_file), "--sizes", "16,64", "--depths", "64", "--runs", str(runs), "--mhz", "50"]
    assert main([*options, "--jobs", "1", "--out", str(tmp_path / "here"), "--json"]) == 0
    here = json.loads(capsys.readouterr().out)
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        assert main([*options, "--scheduler", address, "--out", str(tmp_path / "there"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == here
    assert {point["pe"] for point in here["points"]} == {16, 64}
    page = (tmp_path / "here" / "sweep.html").read_text()
    assert f"{here['best'][-1]['estimated']['lut']:,} LUT" in page
    assert TARGETS["ecp5"].part in page
    assert here["chosen"] == here["best"][-1]
    assert here["chosen_command"] in page
    assert f"--model {model_file} --pe {here['chosen']['pe']} --groups" in here["chosen_command"]


def test_a_rate_chooses_the_cheapest_build_and_other_modes_are_not_the_models(tmp_path, runs, model_file, capsys):
    options = [str(model_file), "--sizes", "16,64", "--depths", "64", "--runs", str(runs), "--jobs", "1", "--json"]
    options += ["--modes", "any", "--images-per-s", "1", "--out", str(tmp_path / "out")]
    assert main(options) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["chosen"] == found["best"][0] != found["best"][-1]
    assert "--model" not in found["chosen_command"]
    assert "the smallest that makes 1 images a second" in (tmp_path / "out" / "sweep.html").read_text()


def test_no_build_within_the_limits_is_exit_1(tmp_path, runs, model_file, capsys):
    options = [str(model_file), "--sizes", "16", "--depths", "64", "--runs", str(runs), "--out", str(tmp_path / "out")]
    assert main([*options, "--luts", "10"]) == 1
    assert "No build keeps the limits; the nearest: lut" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "sentence"), [
    (["--sizes", "17"], "No build has 17 PEs"),
    (["--modes", "3of4"], "--modes must be some of"),
    (["--jobs", "0"], "Option --jobs must be from 1 to"),
    (["--mhz", "nan"], "Option --mhz must be more than 0 and at most"),
    (["--sizes", "16,x"], "Option --sizes must be numbers with commas, 16 to 131072 each, not '16,x'"),
    (["--modes", "any", "--verify"], "does not go with --modes"),
    (["--scheduler", "nowhere"], "No Dask scheduler answers"),
])
def test_impossible_sweeps_are_refused(tmp_path, runs, model_file, options, sentence):
    given = [str(model_file), "--sizes", "16", "--depths", "64", "--runs", str(runs), "--out", str(tmp_path / "o")]
    with pytest.raises(Refused, match=sentence):
        main([*given, *options])
    assert not (tmp_path / "o").exists()


def test_modes_of_a_ring_are_refused(tmp_path, runs, network):
    path = save(synthetic_model(rpg(network, words=9, planes=1), 0), tmp_path / "ring.safetensors")
    with pytest.raises(Refused, match="not for models with rings"):
        main([str(path), "--modes", "any", "--runs", str(runs), "--out", str(tmp_path / "o")])

"""Judging what a training step costs, on figures written by hand; measuring them is tested in train."""

import argparse
import json

import pytest

from flows.bench import training


def measured(any_over_dense):
    rows = [
        {"variant": variant, "cpu_seconds": 0.1, "over_dense": ratio, "memory_bytes": 10, "memory_over_dense": 1.0}
        for variant, ratio in (("dense", 1.0), ("any", any_over_dense), ("2of4", 1.2), ("sort", 1.75))
    ]
    return {"schema_version": 1, "results": [{"subject": "net", "batch": 64, "weights": 1000, "variants": rows}]}


@pytest.mark.parametrize(("ratio", "meets"), [(1.0, True), (1.15, True), (1.1501, False)])
def test_the_goal_is_one_fifteen(ratio, meets):
    rows = training.judged(measured(ratio))["results"][0]["variants"]
    assert [row["meets_goal"] for row in rows] == [None, meets, False, None]


@pytest.mark.parametrize(("ratio", "code"), [(1.1, 0), (1.2, 1)])
def test_exit_code_is_that_of_the_papers_masks(ratio, code, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training, "_measure", lambda options, out: measured(ratio))
    arguments = argparse.Namespace(batch=64, rounds=1, out=tmp_path, json=False)
    assert training.run(arguments) == code
    out = capsys.readouterr().out
    assert f"{ratio:.3f}" in out
    assert out.rstrip().endswith("training.json")
    arguments.json = True
    training.run(arguments)
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "training.json").read_text())


def test_a_failed_measurement_is_said(tmp_path):
    with pytest.raises(RuntimeError, match=r"-m train\.step_cost --rounds 0 .* failed"):
        training._measure(["--rounds", "0"], tmp_path)

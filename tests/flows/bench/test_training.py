"""Judging what a training step costs, on figures written by hand; measuring them is tested in train."""

import pytest
from rich.console import Console

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


@pytest.mark.parametrize(("ratio", "misses"), [(1.1, False), (1.2, True)])
def test_the_papers_masks_decide(ratio, misses, capsys):
    data = training.judged(measured(ratio))
    assert training.failed(data) is misses
    console = Console(width=120)
    console.print(*training.tables(data))
    assert f"{ratio:.3f}" in capsys.readouterr().out


def test_a_failed_measurement_is_said(tmp_path):
    with pytest.raises(RuntimeError, match=r"-m train\.studies\.step_cost --rounds 0 .* failed"):
        training._measure(["--rounds", "0"], tmp_path)

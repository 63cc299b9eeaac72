"""The plots of scaling: points are those of the results, under the names of methods, stages and norms."""

import pytest

from flows.figures import folds


def row(method, accuracies, *, norm="ubn", widths=(4, 8, 16), iterations=(0, 2, 2), cost=1000, **more):
    return {
        "method": method, "norm": norm, "widths": list(widths), "iterations": list(iterations), "bytes": cost,
        "accuracies": accuracies, **more,
    }


def found(series):
    return series.label, [(x, pytest.approx(y)) for x, y, _ in series.points]


def test_curves_are_means_of_the_seeds():
    data = {"rows": [row("dense", [0.5], curves=[[0.25, 0.5], [0.75, 1.0]], losses=[[2.0, 1.0], [1.0, 0.0]])]}
    assert found(folds.accuracies(data).series[0]) == ("dense", [(1, 50), (2, 75)])
    assert found(folds.losses(data).series[0]) == ("dense", [(1, 1.5), (2, 0.5)])


def test_depth_and_width_by_method():
    data = {"rows": [
        row("dense", [0.5], iterations=(0, 2, 2), cost=7), row("dense", [0.6, 0.7], iterations=(0, 4, 4), cost=9),
        row("hfn", [0.4], widths=(6, 12, 24), cost=3),
    ]}
    dense, hfn = folds.depth(data).series
    assert (found(dense), found(hfn)) == (("dense", [(2, 50), (4, 65)]), ("hfn", [(2, 40)]))
    assert found(folds.width(data).series[1]) == ("hfn", [(6, 40)])
    assert found(folds.bytes_of(data).series[0]) == ("dense", [(7, 50), (9, 65)])


def test_runs_are_added_to_one_stage_and_none_belongs_to_both():
    data = {"rows": [
        row("hfn", [0.5]), row("hfn", [0.6], iterations=(0, 6, 2)), row("hfn", [0.4], iterations=(0, 2, 4)),
        row("hfn", [0.3], norm="sbn"), row("hfn", [0.2], norm="nabn"),
    ]}
    assert [found(series) for series in folds.iterations(data, ("ubn",)).series] == [
        ("stage 2, own norms", [(0, 50), (4, 60)]), ("stage 3, own norms", [(0, 50), (2, 40)]),
    ]
    shared = folds.iterations(data, ("sbn", "nabn"))
    assert [len(series.points) for series in shared.series] == [1, 1, 1, 1]
    assert "shared norms" in shared.title


def test_stretched_blocks_of_one_method():
    points = [
        {"block": block, "trained": 2, "iterations": count, "reused": [0.1 * count], "recalibrated": [0.9]}
        for block in ("stage2.fold", "stage3.fold") for count in (0, 2)
    ]
    data = {"rows": [row("folded", [0.2], norm="sbn", stretched=points), row("hfn", [0.2], norm="sbn", stretched=[])]}
    panel = folds.stretch(data, "folded")
    assert [found(series) for series in panel.series] == [
        (f"stage {stage}, shared norms", [(0, 0), (2, 20)]) for stage in (2, 3)
    ]
    assert panel.title == "Stretched after training: folded, trained with 2 runs"
    assert folds.stretch(data, "hfn").series == []

"""The plots of the ring paper: points, lines and curves are those of the results."""

import pytest

from flows.figures import rings

SWEEP = {
    "points": [[100, 0.5], [100, 0.6], [1000, 0.7], [1000, 0.7]], "vanilla": [0.8, 0.9], "weights": 20_000,
    "line": {"slope": 0.15, "intercept": 0.25, "r2": 0.987}, "command": {"network": "resnet18"},
}


def test_points_by_size_the_network_without_a_ring_last_and_the_line_to_half_of_the_weights():
    dots, line = rings.dof(SWEEP).series
    assert dots.label == "resnet18"
    assert [x for x, _, _ in dots.points] == [100, 1000, 20_000]
    assert [y for _, y, _ in dots.points] == pytest.approx([55, 70, 85])
    assert [(x, pytest.approx(y)) for x, y, _ in line.points] == [(100, 55), (10_000, 85)]
    assert line.label == "+15.0 points a decade, R² 0.987"
    assert not line.dots
    other = rings.dof(SWEEP, SWEEP | {"command": {"network": "vit"}}).series
    assert [series.colour for series in other] == [0, 0, 1, 1]


def test_the_paper_s_points_are_hollow():
    series = rings.dof_printed().series
    assert len(series) == 4
    assert all(one.hollow for one in series)


def test_methods_stand_beside_the_paper_s():
    data = {"rows": [
        {"what": "rpg", "accuracy": 0.8, "dof": 36}, {"what": "hypernetwork", "accuracy": 0.7, "dof": 35},
        {"what": "vanilla", "accuracy": 0.9, "dof": 1000}, {"what": "rpg", "accuracy": 0.82, "dof": 36},
    ]}
    panel = rings.methods(data)
    ours, theirs = panel.series
    assert panel.names == ["rpg", "hypernetwork", "vanilla"]
    assert [(x, y) for x, y, _ in ours.points] == [(pytest.approx(81), 0), (70, 1), (90, 2)]
    assert [(x, y) for x, y, _ in theirs.points] == [(78.9, 0), (79.1, 2)]
    assert panel.title == "36 degrees of freedom; vanilla: 1,000"


def test_ablation():
    panel = rings.ablation({"accuracies": {"neither": [0.75], "flips": [0.81]}, "command": {"dof": 1152}})
    ours, theirs = panel.series
    assert [(x, y) for x, y, _ in ours.points] == [(75, 0), (81, 1)]
    assert [(x, y) for x, y, _ in theirs.points] == [(70.7, 0), (71.1, 1)]
    assert "1,152" in panel.title


def row(batch, network, steps, curve):
    return {"batch": batch, "network": network, "steps": steps, "curve": curve}


CONVERGENCE = {"command": {"every": 5}, "rows": [
    row(64, "vanilla", 40, [0.1]), row(64, "ring", 30, [0.1]), row(128, "vanilla", 20, [0.25, 0.5]),
    row(128, "ring", 10, [0.3, 0.5]), row(128, "vanilla", 30, [0.75, 1.0]), row(128, "ring", 16, [0.5, 0.9]),
]}


def test_curves_are_means_at_the_largest_batch():
    panel = rings.convergence(CONVERGENCE)
    vanilla, ring = panel.series
    assert vanilla.points == [(5, 50, 0), (10, 75, 0)]
    assert [y for _, y, _ in ring.points] == pytest.approx([40, 70])
    assert panel.title == "Batches of 128; seeds: 2"


def test_steps_by_batch_and_the_paper_s():
    vanilla, printed, ring, printed_ring = rings.batches(CONVERGENCE).series
    assert [(x, y) for x, y, _ in vanilla.points] == [(64, 40), (128, 25)]
    assert [(x, y) for x, y, _ in ring.points] == [(64, 30), (128, 13)]
    assert (printed.points, printed_ring.points) == ([(1024, 1700, 0.0)], [(1024, 1000, 0.0)])

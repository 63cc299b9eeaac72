"""What the ring paper claims: its own figures, as results of ours would have them, fulfil every claim by what it says.
"""

import pytest

from flows import printed
from flows.tables.ring_claims import RING_CLAIMS


def results():
    """The paper's figures in the form of our results, by file."""
    def sweep(network):
        points = [(dof, accuracy / 100) for dof, accuracy in printed.DOF["CIFAR100", network]][:2]
        return {"command": {"dofs": [45_000, 2_000_000]}, "points": points, "line": {"slope": 0.1}}

    def pruned(name):
        before, after = printed.PRUNED[name]
        return {"what": name, "accuracy": after / 100, "accuracy_before": (before or 0) / 100}

    return {
        "ring-resnet18.json": sweep("ResNet-18"), "ring-resnet34.json": sweep("ResNet-34"),
        "ring-vit.json": sweep("ResNet-18"),
        "ablation.json": {"accuracies": {name: [value / 100] for name, value in printed.ABLATION.items()}},
        "convergence.json": {"rows": [
            {"network": name, "batch": batch, "steps": steps} for name, (batch, steps) in printed.CONVERGENCE.items()
        ] + [{"network": name, "batch": 64, "steps": 1} for name in printed.CONVERGENCE]},
        "equilibrium.json": {"rows": [
            {"what": name, "accuracy": accuracy / 100, "ms_per_image": time}
            for name, (accuracy, time) in printed.EQUILIBRIUM.items()
        ]},
        "baselines.json": {"rows": [
            {"what": name, "accuracy": value / 100} for name, value in {**printed.METHODS, "hypernetwork": 0}.items()
        ]},
        "pose.json": {"rows": [
            {"stacks": stacks, "sharing": kind, "held_out": [value / 100],
             "gap": [printed.POSE_GAP.get((stacks, kind), 0) / 100]}
            for (stacks, kind), value in printed.POSE.items()
        ]},
        "depth.json": {"rows": [
            {"row": name, "depth_rmse_m": [depth / 100], "normal_rmse": [normal / 100]}
            for name, (depth, normal) in printed.DEPTH.items()
        ]},
        "pruners.json": {"rows": [pruned(name) for name in printed.PRUNED]},
        "generalization.json": {"rows": [
            {"network": name, "train": printed.GAP.get(name, 0) / 100, "test": 0,
             "corrupted": {"a": [value / 100 - 0.1], "b": [value / 100 + 0.1]}}
            for name, value in printed.OUTSIDE.items()
        ]},
    }


@pytest.mark.parametrize("claim", RING_CLAIMS, ids=lambda claim: f"{claim.place}, {claim.says}")
def test_the_paper_s_own_figures_fulfil_its_claims(claim):
    found = claim.ours(*(results()[file] for file in claim.files))
    assert len(found) == 1
    assert found[0] > 0
    if claim.printed is not None:
        # Per cent of all steps are rounded in the text.
        assert found[0] == pytest.approx(claim.printed, abs=0.2 if claim.unit == " %" else 1e-9)


def test_every_claim_says_something_else():
    assert len({(claim.place, claim.says) for claim in RING_CLAIMS}) == len(RING_CLAIMS)


def test_a_claim_is_by_seed():
    (claim,) = (claim for claim in RING_CLAIMS if claim.says == "rpg above lego")
    rows = [{"what": name, "accuracy": value} for name, value in (
        ("rpg", 0.5), ("lego", 0.4), ("rpg", 0.5), ("lego", 0.75),
    )]
    assert claim.ours({"rows": rows}) == pytest.approx([10, -25])


def test_rows_that_were_not_run_are_missed():
    (claim,) = (claim for claim in RING_CLAIMS if claim.says == "4x ring above 4x shared")
    data = results()["pose.json"]
    assert claim.ours(data) == pytest.approx([0.8])
    with pytest.raises(LookupError):
        claim.ours({"rows": [row for row in data["rows"] if row["stacks"] < 4]})

"""Tables of the ring paper's studies, and what stands beside them."""

from flows.tables import rings


def lines(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_sizes_and_the_line():
    data = {
        "command": {"dofs": [100, 1000], "seeds": [0, 1]}, "points": [[100, 0.5], [1000, 0.7], [100, 0.6], [1000, 0.7]],
        "weights": 20_000, "vanilla": [0.8, 0.9], "line": {"slope": 0.15, "intercept": 0.25, "r2": 0.987},
    }
    assert lines(rings.dof(data)) == [
        ["100", "0.50", "0, 1", "55.00 ± 7.07"], ["1,000", "5.00", "0, 1", "70.00 ± 0.00"],
        ["20,000, no ring", "100", "0, 1", "85.00 ± 7.07"], ["each factor of ten", "", "", "+15.00 (R² 0.987)"],
    ]


def test_equilibrium_is_by_block_beside_the_paper_s():
    rows = [
        {"what": what, "seed": seed, "accuracy": accuracy, "ms_per_image": 0.5, "evaluations": 7, "dof": 1000,
         "cpu_seconds": 12}
        for seed in (0, 1) for what, accuracy in (("equilibrium", 0.5), ("ring 2x", 0.6))
    ]
    assert lines(rings.equilibrium({"rows": rows})) == [
        ["equilibrium", "0, 1", "50.00 ± 0.00", "0.500", "7.0", "1,000", "12", "85.1 %, 3.15 ms"],
        ["ring 2x", "0, 1", "60.00 ± 0.00", "0.500", "7.0", "1,000", "12", "88.5 %, 0.12 ms"],
    ]


def test_baselines():
    rows = [{"what": what, "seed": 3, "accuracy": 0.5, "dof": 36, "index_bits": 5000} for what in ("lego", "other")]
    assert lines(rings.baselines({"rows": rows})) == [
        ["lego", "3", "50.00", "36", "5,000", "78.4"], ["other", "3", "50.00", "36", "5,000", ""],
    ]


def test_poses():
    row = {"stacks": 2, "sharing": "ring", "seeds": [0], "dof": 36, "held_out": [0.5], "gap": [0.015],
           "cpu_seconds": [9]}
    assert lines(rings.pose({"rows": [row, row | {"stacks": 1, "sharing": "not shared"}, row | {"stacks": 3}]})) == [
        ["2x", "ring", "0", "36", "50.00", "1.50", "9", "86.5", "0.64"],
        ["1x", "not shared", "0", "36", "50.00", "1.50", "9", "84.7", ""],
        ["3x", "ring", "0", "36", "50.00", "1.50", "9", "", ""],
    ]


def test_depths_are_in_centimetres():
    row = {"row": "vanilla", "seeds": [0], "dof": 36, "depth_rmse_m": [0.255], "train_depth_rmse_m": [0.2],
           "normal_rmse": [0.41], "train_normal_rmse": [0.4], "cpu_seconds": [18.2]}
    assert lines(rings.depth({"rows": [row, row | {"row": "rings of blocks"}]})) == [
        ["vanilla", "0", "36", "25.50", "20.00", "41.00", "40.00", "18", "25.5 / 41.0"],
        ["rings of blocks", "0", "36", "25.50", "20.00", "41.00", "40.00", "18", ""],
    ]


def test_prunings():
    row = {"what": "IMP", "seed": 0, "dof_before": 99, "accuracy_before": 0.9, "dof": 33, "macs": 1500, "accuracy": 0.8}
    assert lines(rings.pruners({"rows": [row, row | {"what": "ring, filters by l1"}]})) == [
        ["IMP", "0", "99", "90.00", "33", "1,500", "80.00", "92.3 to 90.5"],
        ["ring, filters by l1", "0", "99", "90.00", "33", "1,500", "80.00", "69.1"],
    ]


def test_corruptions_are_means_of_their_strengths():
    row = {"network": "ring", "seed": 0, "free_weights": 1234, "train": 0.9, "test": 0.8,
           "corrupted": {"noise": [0.5, 0.7], "blur": [0.1, 0.2]}}
    text = rings.generalization({"rows": [row]})
    assert "| noise, % | blur, % | the paper's, ObjectNet, % |" in text
    assert lines(text) == [["ring", "0", "1,234", "10.00", "80.00", "60.00", "15.00", "16.5"]]


def test_steps_by_batch():
    rows = [
        {"batch": batch, "network": network, "seed": seed, "steps": steps}
        for batch, network, seed, steps in (
            (64, "vanilla", 0, 100), (64, "ring", 0, 80), (64, "vanilla", 1, 120), (64, "ring", 1, 85),
            (128, "vanilla", 0, 50), (128, "ring", 0, 60),
        )
    ]
    assert lines(rings.convergence({"rows": rows})) == [
        ["64", "0, 1", "110 ± 14", "82 ± 4", "-25"], ["128", "0", "50", "60", "+20"],
    ]

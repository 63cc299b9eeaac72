"""Tables of scaling."""

from flows.tables.folds import scaling, stretch

ROW = {
    "method": "hfn", "norm": "sbn", "widths": [8, 16], "iterations": [0, 2], "seeds": [0, 1],
    "accuracies": [0.84, 0.86], "bytes": 1234, "cpu_seconds": [3, 6],
}


def test_a_row_for_every_network():
    assert scaling({"rows": [ROW]}).splitlines()[2:] == [
        "| hfn | sbn | 8, 16 | 0, 2 | 0, 1 | 85.00 ± 1.41 | 1,234 | 4 |",
    ]


def test_a_row_for_every_block_and_a_column_for_every_count():
    points = [
        {"block": block, "iterations": count, "reused": [0.1, 0.3], "recalibrated": [0.5]}
        for block, counts in (("stage2.fold", (0, 2)), ("stage3.fold", (2, 3))) for count in counts
    ]
    assert stretch({"rows": [ROW | {"stretched": points}]}).splitlines() == [
        "| method | norm | block | seeds | 0 runs | 2 runs | 3 runs |",
        "| --- | --- | --- | --- | ---: | ---: | ---: |",
        "| hfn | sbn | stage2.fold | 0, 1 | 20.0 / 50.0 | 20.0 / 50.0 |  |",
        "| hfn | sbn | stage3.fold | 0, 1 |  | 20.0 / 50.0 | 20.0 / 50.0 |",
    ]

"""Tables of what was trained."""

from flows.tables.studies import budget


def row(mode, cost, accuracies, fronts):
    return {
        "mode": mode, "width": 8, "folds": 2, "seeds": list(range(len(accuracies))), "accuracies": accuracies,
        "bytes": cost, "cycles": 3 * cost, "fronts": fronts,
    }


def test_budgets_are_those_that_nothing_beats_the_cheapest_first():
    rows = [row("any", 2000, [0.8], ["bytes"]), row("2of4", 1900, [0.7], []),
            row("1of4", 1000, [0.75, 0.77], ["bytes", "cycles"])]
    assert budget({"rows": rows}).splitlines()[2:] == [
        "| `1of4` | 8 | 2 | 2 | 76.00 ± 1.41 | 1,000 | 3,000 | bytes, cycles |",
        "| `any` | 8 | 2 | 1 | 80.00 | 2,000 | 6,000 | bytes |",
    ]

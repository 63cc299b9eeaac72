"""The paper's tables are consistent with themselves, but for the cells that are said not to be."""

from train.nets.paper_tables import INCONSISTENT, PRINTED


def test_rows():
    assert len(PRINTED) == 16
    assert len({(row.table, row.problem, row.name) for row in PRINTED}) == 16
    assert [row.name for row in PRINTED[:4]] == ["RN50", "F-RN50", "H-RN50", "HF-RN50"]


def test_reductions_follow_from_the_sizes_beside_them():
    """Within what rounding to two digits allows; the misprinted size breaks it."""
    broken = []
    for row in PRINTED:
        if not row.reduction:
            dense = float(row.megabytes)
            continue
        size = float(row.megabytes)
        low, high = (dense - 0.005) / (size + 0.005), (dense + 0.005) / (size - 0.005)
        if not low - 0.005 <= float(row.reduction) <= high + 0.005:
            broken.append((row.table, row.problem, row.name, "megabytes"))
    assert broken == [key for key in INCONSISTENT if key[-1] == "megabytes"]

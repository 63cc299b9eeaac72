"""The tables of ``train.studies.scaling``."""

from statistics import mean

from flows.tables.markdown import percent, table

__all__ = ["scaling", "stretch"]


def scaling(data: dict) -> str:
    """A row for every network."""
    rows = [
        (
            row["method"], row["norm"], ", ".join(map(str, row["widths"])), ", ".join(map(str, row["iterations"])),
            ", ".join(map(str, row["seeds"])), percent(row["accuracies"]), f"{row['bytes']:,}",
            f"{mean(row['cpu_seconds']):.0f}",
        ) for row in data["rows"]
    ]
    headers = ("method", "norm", "widths", "runs", "seeds", "accuracy, %", "bytes", "CPU seconds")
    return table(dict(zip(headers, "lllllrrr", strict=True)), rows)


def stretch(data: dict) -> str:
    """A row for every block that was stretched, a column for every number of runs: statistics reused / measured again.
    """
    counts = sorted({point["iterations"] for row in data["rows"] for point in row["stretched"]})
    rows = []
    for row in data["rows"]:
        for block in dict.fromkeys(point["block"] for point in row["stretched"]):
            found = {
                point["iterations"]: " / ".join(f"{100 * mean(point[how]):.1f}" for how in ("reused", "recalibrated"))
                for point in row["stretched"] if point["block"] == block
            }
            seeds = ", ".join(map(str, row["seeds"]))
            rows.append((row["method"], row["norm"], block, seeds, *(found.get(count, "") for count in counts)))
    headers = ("method", "norm", "block", "seeds", *(f"{count} run{'s' if count != 1 else ''}" for count in counts))
    return table(dict(zip(headers, "llll" + "r" * len(counts), strict=True)), rows)

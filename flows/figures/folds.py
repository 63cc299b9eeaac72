"""The plots of Hidden-Fold Networks from results of ``train.studies.scaling``.

Ref: Hidden-Fold Networks (IEEE Access 2023), Fig. 10 to 12 and 14 to 16. Their text has no figures of these plots.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from flows.figures.chart import Panel, Series, mean_points

__all__ = ["accuracies", "bytes_of", "depth", "iterations", "losses", "stretch", "width"]

_ACCURACY = "accuracy, %"

#: What batch norms of repeated blocks are called.
_NORMS = {"ubn": "own norms", "sbn": "shared norms", "nabn": "shared norms, nothing learned"}


def accuracies(data: Mapping) -> Panel:
    """Fig. 14: held-out accuracy after every epoch, the mean of the seeds."""
    return _over_epochs(data, "curves", "Accuracy on test images", _ACCURACY, 100)


def losses(data: Mapping) -> Panel:
    """Fig. 14: loss in training, likewise."""
    return _over_epochs(data, "losses", "Loss in training", "cross-entropy", 1)


def _over_epochs(data: Mapping, what: str, title: str, unit: str, scale: float) -> Panel:
    return Panel(title, "epochs", unit, [
        Series(row["method"], [(at, scale * y, 0.0) for at, y in enumerate(np.mean(row[what], axis=0), 1)], colour,
               dots=False)
        for colour, row in enumerate(data["rows"])
    ])


def depth(data: Mapping) -> Panel:
    """Fig. 11: accuracy against the blocks (or runs of one) of each stage that folds."""
    return Panel("Depth", "blocks, or runs of one, of stages that fold", _ACCURACY,
                 _by_method(data, lambda row: max(row["iterations"])))


def width(data: Mapping) -> Panel:
    """Fig. 12a: accuracy against width."""
    return Panel("Width", "channels of the first stage", _ACCURACY, _by_method(data, lambda row: row["widths"][0]))


def bytes_of(data: Mapping) -> Panel:
    """Fig. 12b: accuracy against what is stored."""
    return Panel("The same networks by size", "bytes, as the paper counts", _ACCURACY,
                 _by_method(data, lambda row: row["bytes"]), log="x")


def _by_method(data: Mapping, x) -> list[Series]:
    names = list(dict.fromkeys(row["method"] for row in data["rows"]))
    return [
        Series(name, mean_points([(x(row), row["accuracies"]) for row in data["rows"] if row["method"] == name], 100),
               colour)
        for colour, name in enumerate(names)
    ]


def iterations(data: Mapping, norms: Sequence[str]) -> Panel:
    """Fig. 10 (norms of its own for every run) and 15 (shared): runs that a single stage has more."""
    base = [min(counts) for counts in zip(*(row["iterations"] for row in data["rows"]), strict=True)]
    series = []
    for norm in norms:
        for stage in (stage for stage, count in enumerate(base) if count > 1):
            samples = [
                (row["iterations"][stage] - base[stage], row["accuracies"]) for row in data["rows"]
                if row["norm"] == norm
                and all(row["iterations"][other] == count for other, count in enumerate(base) if other != stage)
            ]
            series.append(Series(f"stage {stage + 1}, {_NORMS[norm]}", mean_points(sorted(samples), 100), len(series)))
    title = "Runs added in training, " + ("own norms" if tuple(norms) == ("ubn",) else "shared norms")
    return Panel(title, "runs that one stage has more", _ACCURACY, series)


def stretch(data: Mapping, method: str) -> Panel:
    """Fig. 16: runs of a single block after training, with statistics as they were trained."""
    series = []
    for row in data["rows"]:
        if row["method"] == method:
            for block in dict.fromkeys(point["block"] for point in row["stretched"]):
                samples = [(p["iterations"], p["reused"]) for p in row["stretched"] if p["block"] == block]
                stage = block.partition(".")[0].replace("stage", "stage ")
                label = f"{stage}, {_NORMS[row['norm']]}"
                series.append(Series(label, mean_points(samples, 100), len(series)))
    trained = data["rows"][0]["stretched"][0]["trained"]
    return Panel(f"Stretched after training: {method}, trained with {trained} runs", "runs of one block", _ACCURACY,
                 series)

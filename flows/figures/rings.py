"""The plots of the ring paper from results of our studies: accuracy against degrees of freedom, and others.

Ref: RPG (arXiv:2107.07110), Fig. 1d, 1e, 4b, 5a, 5b, 5c and 6.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from flows.figures.chart import Panel, Series, mean_points
from flows.printed import ABLATION, CONVERGENCE, DOF, METHODS

__all__ = ["ablation", "batches", "convergence", "dof", "dof_printed", "methods"]

_DOF, _ACCURACY = "degrees of freedom", "accuracy, %"


def dof(*results: Mapping) -> Panel:
    """Fig. 1d, 5a and 6: results of ``train.studies.sweep``, each with its line below half of the weights."""
    series = []
    for colour, data in enumerate(results):
        points, line = data["points"], data["line"]
        sizes = sorted({size for size, _ in points})
        samples = [(size, [accuracy for x, accuracy in points if x == size]) for size in sizes]
        found = mean_points([*samples, (data["weights"], data["vanilla"])], 100)
        series.append(Series(data["command"]["network"], found, colour, line=False))
        ends = [
            (size, 100 * (line["intercept"] + line["slope"] * math.log10(size)), 0.0)
            for size in (sizes[0], data["weights"] / 2)
        ]
        fit = f"{100 * line['slope']:+.1f} points a decade, R² {line['r2']:.3f}"
        series.append(Series(fit, ends, colour, dots=False))
    return Panel("Ours: rings, and no ring at the right end", _DOF, _ACCURACY, series, log="x")


def dof_printed() -> Panel:
    """What the paper prints of its Fig. 1d and 6."""
    return Panel("The paper's, as it prints them", _DOF, _ACCURACY, [
        Series(f"{network}, {data}", [(size, accuracy, 0.0) for size, accuracy in points], colour, hollow=True)
        for colour, ((data, network), points) in enumerate(DOF.items())
    ], log="x")


def methods(data: Mapping) -> Panel:
    """Fig. 1e: ways to have few degrees of freedom, of ``train.studies.baselines``, beside the paper's Table 2."""
    names = list(dict.fromkeys(row["what"] for row in data["rows"]))
    found = [[row["accuracy"] for row in data["rows"] if row["what"] == name] for name in names]
    sizes = {row["what"]: row["dof"] for row in data["rows"]}
    title = f"{sizes['rpg']:,} degrees of freedom; vanilla: {sizes['vanilla']:,}"
    return _beside(title, names, found, ("ours", "the paper's, 11M"), _printed(METHODS, names))


def ablation(data: Mapping) -> Panel:
    """Fig. 4b: permutation and flips, of ``train.studies.ablation``, beside the paper's."""
    names, found = list(data["accuracies"]), list(data["accuracies"].values())
    title = f"Permutation and sign flips of a ring of {data['command']['dof']:,}"
    return _beside(title, names, found, ("ours", "the paper's, 2M"), _printed(ABLATION, names))


def _printed(accuracies: Mapping[str, float], names: Sequence[str]) -> list[tuple]:
    return [(accuracies[name], at, 0.0) for at, name in enumerate(names) if name in accuracies]


def _beside(
    title: str, names: Sequence[str], found: Sequence[Sequence[float]], labels: tuple[str, str], theirs: Sequence[tuple]
) -> Panel:
    """A row for each of ``names``: accuracies that we ``found``, and ``theirs``."""
    ours = [(mean, at, spread) for at, mean, spread in mean_points(list(enumerate(found)), 100)]
    return Panel(title, _ACCURACY, "", [
        Series(labels[0], ours, 0, line=False), Series(labels[1], theirs, 1, line=False, hollow=True),
    ], names=names)


def convergence(data: Mapping) -> Panel:
    """Fig. 5b: accuracy against steps at the largest batch of ``train.studies.convergence``, the mean of its seeds."""
    batch, every = max(row["batch"] for row in data["rows"]), data["command"]["every"]
    series = []
    for colour, network in enumerate(("vanilla", "ring")):
        curves = [row["curve"] for row in data["rows"] if (row["batch"], row["network"]) == (batch, network)]
        mean = 100 * np.mean(curves, axis=0)
        series.append(Series(network, [(every * at, y, 0.0) for at, y in enumerate(mean, 1)], colour, dots=False))
    return Panel(f"Batches of {batch}; seeds: {len(curves)}", "steps", _ACCURACY, series)


def batches(data: Mapping) -> Panel:
    """Fig. 5c: steps until convergence against the batch, and the paper's two figures."""
    series = []
    for colour, network in enumerate(("vanilla", "ring")):
        mine = [row for row in data["rows"] if row["network"] == network]
        sizes = sorted({row["batch"] for row in mine})
        found = mean_points([(size, [row["steps"] for row in mine if row["batch"] == size]) for size in sizes])
        theirs = [(*CONVERGENCE[network], 0.0)]
        series += [
            Series(network, found, colour),
            Series(f"{network}, the paper's", theirs, colour, line=False, hollow=True),
        ]
    return Panel("Steps until within 5 % of the end", "batch", "steps", series, log="xy")

"""The tables of the ring paper's studies, beside what the paper prints."""

from collections.abc import Mapping, Sequence
from statistics import mean

from flows.printed import DEPTH, EQUILIBRIUM, METHODS, OUTSIDE, POSE, POSE_GAP, PRUNED
from flows.tables.markdown import percent, spread, table

__all__ = ["baselines", "convergence", "depth", "dof", "equilibrium", "generalization", "pose", "pruners"]


def _of(rows: Sequence[Mapping], key: str) -> dict[str, list[Mapping]]:
    """``rows`` by what ``key`` says, in their order."""
    return {name: [row for row in rows if row[key] == name] for name in dict.fromkeys(row[key] for row in rows)}


def _seeds(rows: Sequence[Mapping]) -> str:
    return ", ".join(str(row["seed"]) for row in rows)


def dof(data: dict) -> str:
    """Rows of ``train.studies.sweep``, and its line."""
    sizes, seeds = data["command"]["dofs"], ", ".join(map(str, data["command"]["seeds"]))
    found = {size: percent([accuracy for x, accuracy in data["points"] if x == size]) for size in sizes}
    rows = [(f"{size:,}", f"{100 * size / data['weights']:.2f}", seeds, found[size]) for size in sizes]
    rows.append((f"{data['weights']:,}, no ring", "100", seeds, percent(data["vanilla"])))
    line = data["line"]
    rows.append(("each factor of ten", "", "", f"{100 * line['slope']:+.2f} (R² {line['r2']:.3f})"))
    headers = ("degrees of freedom", "of the weights, %", "seeds", "accuracy, %")
    return table(dict(zip(headers, "rrlr", strict=True)), rows)


def equilibrium(data: dict) -> str:
    """Rows of ``train.studies.equilibrium``."""
    rows = []
    for name, mine in _of(data["rows"], "what").items():
        printed = "{} %, {} ms".format(*EQUILIBRIUM[name])
        rows.append((
            name, _seeds(mine), percent([row["accuracy"] for row in mine]),
            f"{mean(row['ms_per_image'] for row in mine):.3f}", f"{mean(row['evaluations'] for row in mine):.1f}",
            f"{mine[0]['dof']:,}", f"{mean(row['cpu_seconds'] for row in mine):.0f}", printed,
        ))
    headers = ("block", "seeds", "accuracy, %", "ms an image", "evaluations", "DoF", "CPU seconds", "the paper's")
    return table(dict(zip(headers, "llrrrrrr", strict=True)), rows)


def baselines(data: dict) -> str:
    """Rows of ``train.studies.baselines``."""
    rows = [
        (
            name, _seeds(mine), percent([row["accuracy"] for row in mine]), f"{mine[0]['dof']:,}",
            f"{mine[0]['index_bits']:,}", f"{METHODS[name]}" if name in METHODS else "",
        ) for name, mine in _of(data["rows"], "what").items()
    ]
    headers = ("weights from", "seeds", "accuracy, %", "DoF", "bits of indices", "the paper's, %")
    return table(dict(zip(headers, "llrrrr", strict=True)), rows)


def pose(data: dict) -> str:
    """Rows of ``train.studies.pose``."""
    rows = []
    for row in data["rows"]:
        key = row["stacks"], row["sharing"]
        rows.append((
            f"{row['stacks']}x", row["sharing"], ", ".join(map(str, row["seeds"])), f"{row['dof']:,}",
            percent(row["held_out"]), percent(row["gap"]), f"{mean(row['cpu_seconds']):.0f}",
            f"{POSE[key]}" if key in POSE else "", f"{POSE_GAP[key]}" if key in POSE_GAP else "",
        ))
    headers = ("sub-networks", "weights", "seeds", "DoF", "PCKh, %", "training above that", "CPU seconds",
               "the paper's PCKh", "gap")
    return table(dict(zip(headers, "lllrrrrrr", strict=True)), rows)


def depth(data: dict) -> str:
    """Rows of ``train.studies.depth``: errors in cm, and in percent of a unit vector."""
    rows = []
    for row in data["rows"]:
        printed = DEPTH.get(row["row"])
        rows.append((
            row["row"], ", ".join(map(str, row["seeds"])), f"{row['dof']:,}",
            *(percent(row[f"{part}{what}"]) for what in ("depth_rmse_m", "normal_rmse") for part in ("", "train_")),
            f"{mean(row['cpu_seconds']):.0f}", " / ".join(map(str, printed)) if printed else "",
        ))
    headers = ("sub-network", "seeds", "DoF", "depth, cm", "in training", "normals, %", "in training", "CPU seconds",
               "the paper's")
    return _table(headers, "llrrrrrrr", rows)


def _table(headers: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> str:
    """As :func:`table`, for headers of which some are the same."""
    names = [name + " " * number for number, name in enumerate(headers)]
    return table(dict(zip(names, sides, strict=True)), rows)


def pruners(data: dict) -> str:
    """Rows of ``train.studies.pruners``."""
    rows = []
    for name, mine in _of(data["rows"], "what").items():
        before, after = PRUNED[name]
        rows.append((
            name, _seeds(mine), f"{mine[0]['dof_before']:,}", percent([row["accuracy_before"] for row in mine]),
            f"{mine[0]['dof']:,}", f"{mean(row['macs'] for row in mine):,.0f}",
            percent([row["accuracy"] for row in mine]), f"{before} to {after}" if before else f"{after}",
        ))
    headers = ("pruned", "seeds", "DoF before", "accuracy, %", "DoF after", "FLOPs", "accuracy, %", "the paper's, %")
    return _table(headers, "llrrrrrr", rows)


def generalization(data: dict) -> str:
    """Rows of ``train.studies.generalization``: corrupted images are the mean of all strengths."""
    rows = []
    for name, mine in _of(data["rows"], "network").items():
        kinds = mine[0]["corrupted"]
        rows.append((
            name, _seeds(mine), f"{mine[0]['free_weights']:,}", percent([row["train"] - row["test"] for row in mine]),
            percent([row["test"] for row in mine]),
            *(percent([mean(row["corrupted"][kind]) for row in mine]) for kind in kinds), f"{OUTSIDE[name]}",
        ))
    headers = ("network", "seeds", "free weights", "training above test", "test, %", *(f"{kind}, %" for kind in kinds),
               "the paper's, ObjectNet, %")
    return table(dict(zip(headers, "ll" + "r" * (len(headers) - 2), strict=True)), rows)


def convergence(data: dict) -> str:
    """Rows of ``train.studies.convergence``."""
    rows = []
    for batch, mine in _of(data["rows"], "batch").items():
        steps = {name: [row["steps"] for row in some] for name, some in _of(mine, "network").items()}
        change = 100 * (mean(steps["ring"]) / mean(steps["vanilla"]) - 1)
        seeds = ", ".join(str(row["seed"]) for row in mine if row["network"] == "ring")
        rows.append((f"{batch}", seeds, *(spread(steps[name], 0) for name in ("vanilla", "ring")), f"{change:+.0f}"))
    headers = ("batch", "seeds", "steps, no ring", "steps, ring", "change, %")
    return table(dict(zip(headers, "rlrrr", strict=True)), rows)

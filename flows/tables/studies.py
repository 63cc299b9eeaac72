"""The tables of what was trained: comparisons, studies, the zoo."""

from pathlib import Path
from statistics import mean

from flows.tables.markdown import percent, table
from spec.model import load

__all__ = ["ablation", "budget", "compared", "steps", "zoo"]


def compared(data: dict) -> str:
    """Rows of ``train.studies.compare``."""
    rows = [
        (
            row["name"], ", ".join(map(str, row["seeds"])), percent(row["accuracies"]),
            " / ".join(f"{100 * mean(values):.1f}" for values in row.get("stretched", {}).values()),
            f"{row['bytes']:,}", f"{mean(row['cpu_seconds']):.0f}",
        )
        for row in data["rows"]
    ]
    headers = ("run", "seeds", "accuracy, %", "an iteration fewer / more, %", "bytes", "CPU seconds")
    return table(dict(zip(headers, "llrrrr", strict=True)), rows)


def ablation(data: dict) -> str:
    """Rows of ``train.studies.ablation``."""
    seeds = ", ".join(map(str, data["command"]["seeds"]))
    rows = [(name, seeds, percent(values)) for name, values in data["accuracies"].items()]
    return table({"ring": "l", "seeds": "l", "accuracy, %": "r"}, rows)


def steps(data: dict) -> str:
    """Rows of ``flows.bench training``."""
    rows = [
        (
            result["subject"], row["variant"], f"{1e3 * row['cpu_seconds']:.0f}", f"{row['over_dense']:.3f}",
            f"{row['memory_over_dense']:.3f}",
        )
        for result in data["results"] for row in result["variants"]
    ]
    headers = ("network", "step", "CPU ms", "/ dense", "memory / dense")
    return table(dict(zip(headers, "llrrr", strict=True)), rows)


def zoo(folder: Path) -> str:
    """Rows of the models in ``folder``."""
    rows = []
    for path in sorted(path for path in folder.glob("*.safetensors") if "." not in path.stem):
        model = load(path)
        facts, weights = model.provenance, model.network.weight_count
        rows.append((
            f"[{path.stem}](zoo/{path.stem}.md)" + (f" ({facts['judged']})" if "judged" in facts else ""),
            f"{facts['float_accuracy']:.2%}", f"{facts['deployed_accuracy']:.2%}",
            f"{weights:,}", f"{path.stat().st_size:,}",
        ))
    headers = ("model", "float", "deployed", "weights", "model file, bytes")
    return table(dict(zip(headers, "lrrrr", strict=True)), rows)


def budget(data: dict) -> str:
    """Rows of ``foldenite.budget`` that are on a front, the cheapest first."""
    rows = [
        (
            f"`{row['mode']}`", str(row["width"]), str(row["folds"]), str(len(row["seeds"])),
            percent(row["accuracies"]), f"{row['bytes']:,}", f"{row['cycles']:,}", ", ".join(row["fronts"]),
        )
        for row in sorted(data["rows"], key=lambda row: row["bytes"]) if row["fronts"]
    ]
    headers = ("mask", "width", "runs", "seeds", "accuracy, %", "bytes", "cycles", "nothing beats it in")
    return table(dict(zip(headers, "lrrrrrrl", strict=True)), rows)

"""`python -m flows.tables`: write the tables of README and docs again, from the results in ``docs/results``.

A table stands between ``<!-- table NAME -->`` and ``<!-- end -->``; nothing else of a page changes. Every result is the
JSON that one of our commands writes, copied there by ``--take``, and the zoo's are the model files themselves. With
``--check`` nothing is written, and the exit code is 1 if a table is not what its results say.

    python -m flows.tables --take build/networks/networks.json --take ablation.json=build/rpg/ablation/result.json
"""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from spec.files import write_text
from spec.model import load
from spec.refusal import Refused, run_command

__all__ = ["PAGES", "TABLES", "main", "rewritten"]

_ROOT = Path(__file__).resolve().parents[1]
_RESULTS = "docs/results"

#: Pages that have tables.
PAGES = ("README.md", "docs/training.md")

_TABLE = re.compile(r"(<!-- table (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _markdown(columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> str:
    """A table; ``columns`` are headers and their alignment, ``l`` or ``r``."""
    lines = [columns, [{"l": "---", "r": "---:"}[side] for side in columns.values()], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _networks(data: dict, *, trained: bool) -> str:
    rows = [
        (
            row["network"], f"`{row['mode']}`", str(row["pe"]), f"{row['cycles_per_image_measured']:,.0f}",
            f"{row['dense_equivalent_macs_per_pe_and_cycle']:.3f}", f"{row['values_compared']:,}",
            str(row["mismatches"]), f"{row['simulated_cycles_per_s'] / 1e3:,.0f} k",
        )
        for row in data["rows"] if row["trained"] is trained
    ]
    headers = ("network", "weights", "PEs", "cycles per image, measured = predicted",
               "dense-equivalent MAC / PE / cycle", "values compared", "wrong", "simulated cycles/s")
    return _markdown(dict(zip(headers, "llrrrrrr", strict=True)), rows)


def _bench(data: dict) -> str:
    rows = [
        (
            str(row["pe"]), f"`{row['mode']}`", f"{row['cycles_measured']:,.0f}",
            f"{row['measured_over_predicted']:.6f}", f"{100 * row['block_layer_utilization']:.1f}",
            f"{row['dense_equivalent_macs_per_pe_and_cycle']:.3f}", f"{row['simulated_cycles_per_s'] / 1e3:,.0f} k",
        )
        for row in data["cycles"]
    ]
    headers = ("PEs", "mask", "cycles per image", "measured / model", "% of peak", "MAC / PE / cycle",
               "simulated cycles/s")
    return _markdown(dict(zip(headers, "rlrrrrr", strict=True)), rows)


def _percent(values: Sequence[float]) -> str:
    """Mean and standard deviation of a sample, in percent."""
    spread = f" ± {100 * stdev(values):.2f}" if len(values) > 1 else ""
    return f"{100 * mean(values):.2f}{spread}"


def _compared(data: dict) -> str:
    """Rows of ``train.compare``."""
    rows = [
        (
            row["name"], ", ".join(map(str, row["seeds"])), _percent(row["accuracies"]),
            " / ".join(f"{100 * mean(values):.1f}" for values in row.get("stretched", {}).values()),
            f"{row['bytes']:,}", f"{mean(row['cpu_seconds']):.0f}",
        )
        for row in data["rows"]
    ]
    headers = ("run", "seeds", "accuracy, %", "an iteration fewer / more, %", "bytes", "CPU seconds")
    return _markdown(dict(zip(headers, "llrrrr", strict=True)), rows)


def _ablation(data: dict) -> str:
    seeds = ", ".join(map(str, data["command"]["seeds"]))
    rows = [(name, seeds, _percent(values)) for name, values in data["accuracies"].items()]
    return _markdown({"ring": "l", "seeds": "l", "accuracy, %": "r"}, rows)


def _steps(data: dict) -> str:
    """Rows of ``flows.bench train``."""
    rows = [
        (
            result["subject"], row["variant"], f"{1e3 * row['cpu_seconds']:.0f}", f"{row['over_dense']:.3f}",
            f"{row['memory_over_dense']:.3f}",
        )
        for result in data["results"] for row in result["variants"]
    ]
    headers = ("network", "step", "CPU ms", "/ dense", "memory / dense")
    return _markdown(dict(zip(headers, "llrrr", strict=True)), rows)


def _zoo(folder: Path) -> str:
    rows = []
    for path in sorted(path for path in folder.glob("*.safetensors") if "." not in path.stem):
        model = load(path)
        facts, weights = model.provenance, sum(layer.weights for layer in model.network.layers)
        rows.append((
            f"[{path.stem}](zoo/{path.stem}.md)", f"{facts['float_accuracy']:.2%}", f"{facts['deployed_accuracy']:.2%}",
            f"{weights:,}", f"{path.stat().st_size:,}",
        ))
    headers = ("model", "float", "deployed", "weights", "model file, bytes")
    return _markdown(dict(zip(headers, "lrrrr", strict=True)), rows)


#: File of results and how it is shown, by name of the table.
TABLES: Mapping[str, tuple[str, Callable]] = {
    "networks": (f"{_RESULTS}/networks.json", lambda data: _networks(data, trained=False)),
    "trained": (f"{_RESULTS}/networks.json", lambda data: _networks(data, trained=True)),
    "bench": (f"{_RESULTS}/bench.json", _bench),
    "methods": (f"{_RESULTS}/methods.json", _compared),
    "ideas": (f"{_RESULTS}/ideas.json", _compared),
    "ablation": (f"{_RESULTS}/ablation.json", _ablation),
    "steps": (f"{_RESULTS}/training.json", _steps),
    "zoo": ("zoo", _zoo),
}


def rewritten(page: str, root: Path) -> str:
    """``page`` (the text of one) with every table made from the results below ``root``.

    Raises
    ------
    Refused
        If it has an unknown table, or results are absent or not what their command writes.
    """
    def table(match: re.Match) -> str:
        name = match[2]
        if name not in TABLES:
            raise Refused(f"There is no table {name!r}; the tables are {', '.join(TABLES)}")
        path, shown = root / TABLES[name][0], TABLES[name][1]
        try:
            return match[1] + shown(path if path.is_dir() else json.loads(path.read_text())) + match[3]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refused(f"Table {name} cannot be made from {path} ({error!r}); take the results again") from None

    return _TABLE.sub(table, page)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = argparse.ArgumentParser(prog="python -m flows.tables", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--take", action="append", default=[], metavar="[NAME=]JSON", help="results to keep first, as NAME")
    add("--check", action="store_true", help="write nothing; exit 1 if a table is stale")
    add("--root", type=Path, default=_ROOT, help="folder of README.md (default: this one)")
    arguments = parser.parse_args(argv)
    known = {Path(path).name for path, _ in TABLES.values()}
    for given in arguments.take:
        path = Path(given.rpartition("=")[2])
        name = given.rpartition("=")[0] or path.name
        if name not in known or not path.is_file():
            names = ", ".join(sorted(known - {"zoo"}))
            raise Refused(f"There are no results {given}; those that can be taken are {names}")
        write_text(arguments.root / _RESULTS / name, path.read_text())
    stale = False
    for page in PAGES:
        path = arguments.root / page
        text = path.read_text()
        fresh = rewritten(text, arguments.root)
        if fresh != text and arguments.check:
            print(f"{path} has stale tables; run python -m flows.tables", file=sys.stderr)
            stale = True
        elif fresh != text:
            print(write_text(path, fresh))
    return int(stale)


if __name__ == "__main__":
    run_command(main)

"""`python -m flows.tables`: write the tables of README and docs again, from the results in ``docs/results``.

A table stands between ``<!-- table NAME -->`` and ``<!-- end -->``; nothing else of a page changes. Every result is the
JSON that one of our commands writes, copied there by ``--take``, and the zoo's are the model files themselves. Of
syntheses and of estimates in silicon a list is kept: each that is taken replaces the one of the same build (and target,
or model). With ``--check`` nothing is written, and the exit code is 1 if a table is not what its results say.

    python -m flows.tables --take build/networks/networks.json --take ablation.json=build/rpg/ablation/result.json
    python -m flows.tables --take build/synth/ecp5-pe16/synth.json --take build/synth/ecp5-pe64/synth.json
    python -m flows.tables --take build/asic/digits-1of4-pe16/asic.json --take build/asic/digits-1of4-pe64/asic.json
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from console.command import CommandParser
from console.record import json_text
from flows.tables import beside, folds, hardware, rings, silicon, studies, trust
from flows.tables.claims import claimed
from flows.tables.fold_claims import FOLD_CLAIMS
from flows.tables.ring_claims import RING_CLAIMS
from spec.files import write_text
from spec.refusal import Refused, run_command

__all__ = ["PAGES", "STUDIES", "TABLES", "main", "parser", "rewritten"]

_ROOT = Path(__file__).resolve().parents[2]
_RESULTS = "docs/results"

#: Results that are lists of records: what the list is called, how a record gets into it, and what a record is.
_LISTS: Mapping[str, tuple[str, Callable, str]] = {
    "synth.json": ("runs", hardware.with_run, "synthesis by flows.synth"),
    "asic.json": ("builds", silicon.with_build, "estimate by flows.asic"),
}

#: Pages that have tables.
PAGES = (
    "README.md", "docs/results.md", "docs/training.md", "docs/papers.md", "docs/design/silicon.md",
    "docs/design/coverage.md",
)

_TABLE = re.compile(r"(<!-- table (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: Tables of both papers' claims and of long studies, as in :data:`TABLES`; what was not run, a page says.
STUDIES: Mapping[str, tuple[str, Callable]] = {
    "ring-claims": (_RESULTS, partial(claimed, claims=RING_CLAIMS)),
    "fold-claims": (_RESULTS, partial(claimed, claims=FOLD_CLAIMS)),
    "ring-resnet18": (f"{_RESULTS}/ring-resnet18.json", rings.dof),
    "ring-resnet34": (f"{_RESULTS}/ring-resnet34.json", rings.dof),
    "ring-vit": (f"{_RESULTS}/ring-vit.json", rings.dof),
    "equilibrium": (f"{_RESULTS}/equilibrium.json", rings.equilibrium),
    "baselines": (f"{_RESULTS}/baselines.json", rings.baselines),
    "pose": (f"{_RESULTS}/pose.json", rings.pose),
    "depth": (f"{_RESULTS}/depth.json", rings.depth),
    "pruners": (f"{_RESULTS}/pruners.json", rings.pruners),
    "generalization": (f"{_RESULTS}/generalization.json", rings.generalization),
    "convergence": (f"{_RESULTS}/convergence.json", rings.convergence),
    "fold-convergence": (f"{_RESULTS}/fold-convergence.json", folds.scaling),
    "fold-depth": (f"{_RESULTS}/fold-depth.json", folds.scaling),
    "fold-width": (f"{_RESULTS}/fold-width.json", folds.scaling),
    "fold-iterations": (f"{_RESULTS}/fold-iterations.json", folds.scaling),
    "fold-stretch": (f"{_RESULTS}/fold-stretch.json", folds.stretch),
}

#: File of results (or a folder of them) and how it is shown, by name of the table.
TABLES: Mapping[str, tuple[str, Callable]] = {
    "networks": (f"{_RESULTS}/networks.json", partial(hardware.networks, trained=False)),
    "trained": (f"{_RESULTS}/networks.json", partial(hardware.networks, trained=True)),
    "latency": (f"{_RESULTS}/latency.json", hardware.latency),
    "bench": (f"{_RESULTS}/bench.json", hardware.bench),
    "ratios": (f"{_RESULTS}/bench.json", hardware.ratios),
    "synth": (f"{_RESULTS}/synth.json", hardware.synth),
    "nngen": (f"{_RESULTS}/nngen.json", beside.nngen),
    "asic": (f"{_RESULTS}/asic.json", silicon.asic),
    "energy": (f"{_RESULTS}/asic.json", silicon.energy),
    "methods": (f"{_RESULTS}/methods.json", studies.compared),
    "ideas": (f"{_RESULTS}/ideas.json", studies.compared),
    "levers": (f"{_RESULTS}/levers.json", studies.compared),
    "budget-fashion": (f"{_RESULTS}/budget-fashion.json", studies.budget),
    "budget-cifar": (f"{_RESULTS}/budget-cifar.json", studies.budget),
    "ablation": (f"{_RESULTS}/ablation.json", studies.ablation),
    "steps": (f"{_RESULTS}/training.json", studies.steps),
    "coverage": (f"{_RESULTS}/coverage.json", trust.coverage),
    "impossible": (f"{_RESULTS}/coverage.json", trust.impossible),
    "zoo": ("zoo", studies.zoo),
    **STUDIES,
}


def rewritten(page: str, root: Path) -> str:
    """``page`` (the text of one) with every table made from the results below ``root``.

    Raises
    ------
    Refused
        If it has an unknown table, or results are absent or not what their command writes.
    """
    def made(match: re.Match) -> str:
        name = match[2]
        if name not in TABLES:
            raise Refused(f"There is no table {name!r}; the tables are {', '.join(TABLES)}")
        path, shown = root / TABLES[name][0], TABLES[name][1]
        if name in STUDIES and not path.exists():
            return f"{match[1]}Not run yet.\n{match[3]}"
        try:
            return match[1] + shown(path if path.is_dir() else json.loads(path.read_text())) + match[3]
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            raise Refused(f"Table {name} cannot be made from {path} ({error!r}); take the results again") from None

    return _TABLE.sub(made, page)


def _take(given: Path, kept: Path) -> None:
    """Keep the results ``given``: those of :data:`_LISTS` beside those of other builds."""
    text = given.read_text()
    if kept.name in _LISTS:
        name, added, what = _LISTS[kept.name]
        try:
            before = json.loads(kept.read_text())[name] if kept.is_file() else []
            records = added(before, json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused(f"File {given} or {kept} is no {what} ({error!r}); make it again") from None
        text = json_text({name: records})
    write_text(kept, _placeless(text))


def _placeless(text: str) -> str:
    """``text`` of a result without the folders of this machine that its command was given."""
    try:
        data = json.loads(text)
        options = dict(data["command"])
    except (ValueError, KeyError, TypeError):
        return text
    placeless = {
        name: "DIR" if isinstance(value, str) and Path(value).is_absolute() else value
        for name, value in options.items()
    }
    return text if placeless == options else json_text(data | {"command": placeless})


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m flows.tables", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("--take", action="append", default=[], metavar="[NAME=]JSON", help="results to keep first, as NAME")
    add("--check", action="store_true", help="write nothing; exit 1 if a table is stale")
    add("--root", type=Path, default=_ROOT, help="folder of README.md (default: this one)")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    known = {Path(path).name for path, _ in TABLES.values() if path.endswith(".json")}
    for given in arguments.take:
        path = Path(given.rpartition("=")[2])
        name = given.rpartition("=")[0] or path.name
        if name not in known or not path.is_file():
            names = ", ".join(sorted(name.removesuffix(".json") for name in known))
            raise Refused(f"There are no results {given}; the names are {names}")
        _take(path, arguments.root / _RESULTS / name)
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

"""`python -m tests.fuzz`: random damage to every kind of file and command line; nothing may surprise.

Every input must be refused in one sentence, or be accepted, within 5 seconds of processor time and 1 GB of memory. A
fault is printed with the number of its first input: ``--only KIND --first N --inputs 1`` tries that alone. Exit 1 if
there is any.
"""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, Whole, add_json, add_seed
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from spec.refusal import run_command
from tests.fuzz.checkpoints import checkpoints
from tests.fuzz.lines import command_lines
from tests.fuzz.models import model_bytes, model_texts
from tests.fuzz.pictures import data_files
from tests.fuzz.texts import recipes, results
from tests.fuzz.worker import OUTCOMES, Make, Tally, run

__all__ = ["KINDS", "fuzz", "main", "parser"]

#: Kinds of input, and their share of all.
KINDS: dict[str, tuple[Callable[[Path], Make], int]] = {
    "model bytes": (model_bytes, 20), "model texts": (model_texts, 25), "recipes": (recipes, 10),
    "results": (results, 10), "checkpoints": (checkpoints, 10), "data": (data_files, 10), "lines": (command_lines, 15),
}


def fuzz(
    inputs: int, seed: int, only: Sequence[str] = (), first: int = 0,
    tell: Callable[[str, Tally], None] = lambda kind, tally: None,
) -> dict[str, Tally]:
    """Outcomes of ``inputs`` inputs, or thereabouts, shared out among all kinds, or ``only`` those, by kind.

    ``tell`` is called with each kind that is done.
    """
    kinds = {name: kind for name, kind in KINDS.items() if not only or name in only}
    shares = sum(share for _, share in kinds.values())
    tallies = {}
    for name, (prepare, share) in kinds.items():
        with tempfile.TemporaryDirectory(prefix="foldenite-fuzz-") as folder:
            count = -(-inputs * share // shares)
            tallies[name] = run(name, prepare, seed, range(first, first + count), Path(folder))
        tell(name, tallies[name])
    return tallies


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    made.add_argument("--inputs", type=Whole(1, 100_000_000), default=100_000, help="of all kinds (default 100000)")
    made.add_argument("--only", metavar="KIND", action="append", default=[], choices=list(KINDS), help="this kind only")
    made.add_argument("--first", type=Whole(0, 100_000_000), default=0, help="number of the first input (default 0)")
    add_seed(made, "of all inputs")
    add_json(made)
    return made


def _table(tallies: dict[str, Tally]) -> Table:
    table = Table("kind")
    for column in ("inputs", *OUTCOMES, "slowest, s"):
        table.add_column(column, justify="right")
    for name, tally in tallies.items():
        counts = (sum(tally.counts.values()), *(tally.counts[outcome] for outcome in OUTCOMES))
        table.add_row(name, *(f"{count:,}" for count in counts), f"{tally.slowest:.2f}")
    totals = [sum(tally.counts[outcome] for tally in tallies.values()) for outcome in OUTCOMES]
    table.add_section()
    slowest = max(tally.slowest for tally in tallies.values())
    table.add_row("all", *(f"{count:,}" for count in (sum(totals), *totals)), f"{slowest:.2f}")
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Try them; exit 0 if every one was refused or accepted, 1 if not."""
    arguments = parser().parse_args(argv)
    with progress_bars(transient=True) as progress:
        bar = progress.add_task("kinds", total=len(arguments.only or KINDS))
        tallies = fuzz(
            arguments.inputs, arguments.seed, arguments.only, arguments.first, lambda *_: progress.advance(bar)
        )
    faults = {name: tally.faults for name, tally in tallies.items() if tally.faults}
    if arguments.json:
        counts = {name: dict(tally.counts) for name, tally in tallies.items()}
        print(json_text({"kinds": counts, "faults": faults}), end="")
        return int(bool(faults))
    console = screen()
    console.print(_table(tallies))
    for name, found in faults.items():
        for detail, (times, first) in found.items():
            console.print(f"{name}, input {first} and {times - 1} more: {detail}", soft_wrap=True, highlight=False)
    return int(bool(faults))


if __name__ == "__main__":
    run_command(main)

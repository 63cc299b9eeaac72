"""`python -m formal`: proves what is claimed of the components, for all inputs and all time.

A proof that is done is not repeated while its harness, the components in it and the tools stay the same.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, Whole, add_json, add_out
from console.kept import kept_record
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from formal.harness import rtlil_of
from formal.mutants import KILLED, Mutant, load, refute
from formal.proof import Proof
from formal.proofs import PROOFS
from formal.prover import PROVED, Verdict, check_tools, prove, versions
from spec.files import output_folder
from spec.refusal import run_command

__all__ = ["main", "parser"]


def _kept(proof: Proof, out: Path, again: bool) -> Verdict:
    """The verdict on ``proof``, kept in ``out`` beside the key of all that it depends on; one that is not good news is
    not kept.
    """
    key = {
        "harness": sha256(rtlil_of(proof.harness()).encode()).hexdigest(), "versions": versions(),
        "how": [proof.method, proof.solver, proof.covered],
    }
    record = kept_record(
        out / f"{proof.name}.json", key, lambda: asdict(prove(proof, out / proof.name)), again=again,
        keep=lambda verdict: verdict["outcome"] == PROVED,
    )
    return Verdict(**record)


def _each(items: Sequence, work: Callable, jobs: int) -> list:
    """``work`` of each of ``items``, ``jobs`` side by side, with a bar and a line for each that is done."""
    results = {}
    with ThreadPoolExecutor(jobs) as pool, progress_bars() as progress:
        bar = progress.add_task("", total=len(items))
        futures = {pool.submit(work, item): item for item in items}
        try:
            for future in as_completed(futures):
                item, verdict = futures[future], future.result()
                results[item.name] = verdict
                progress.console.print(f"{verdict.outcome:<13} {item.name} ({verdict.seconds:g} s)", highlight=False)
                progress.advance(bar)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results[item.name] for item in items]


def _table(rows: Iterable[tuple[Proof | Mutant, Verdict]], headings: Sequence[str]) -> Table:
    table = Table(*headings, "result", "seconds")
    for item, verdict in rows:
        table.add_row(*item.cells(), verdict.outcome, f"{verdict.seconds:g}")
    return table


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m formal", description=__doc__.splitlines()[0])
    made.add_argument("--only", metavar="NAME", action="append", help="try this proof only (repeatable)")
    made.add_argument("--list", action="store_true", help="list the proofs and end")
    made.add_argument("--jobs", type=Whole(1, 1024), default=2, help="proofs side by side (default 2)")
    made.add_argument("--again", action="store_true", help="prove again what is proved")
    made.add_argument("--mutants", action="store_true", help="show that each proof fails on a wrong component")
    add_out(made, "folder to write (default build/formal)", Path("build/formal"))
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Try the proofs; exit 0 if all hold, 1 if one does not (with the waveform that shows it), or 2 if refused."""
    command_line = parser()
    arguments = command_line.parse_args(argv)
    if unknown := set(arguments.only or ()) - {proof.name for proof in PROOFS}:
        command_line.error(f"unknown proof {min(unknown)!r}; --list shows them")
    chosen = [proof for proof in PROOFS if not arguments.only or proof.name in arguments.only]
    if arguments.list:
        table = Table("proof", "method", "claim")
        for proof in chosen:
            table.add_row(*proof.cells(), proof.claim)
        screen().print(table)
        return 0
    check_tools()
    output_folder(arguments.out)
    if arguments.mutants:
        return _mutants(chosen, arguments)
    verdicts = _each(chosen, lambda proof: _kept(proof, arguments.out, arguments.again), arguments.jobs)
    if arguments.json:
        print(json_text({p.name: asdict(v) for p, v in zip(chosen, verdicts, strict=True)}), end="")
    else:
        screen().print(_table(zip(chosen, verdicts, strict=True), ("proof", "method")))
        for verdict in verdicts:
            if verdict.waveform:
                print(verdict.waveform)
    return int(any(verdict.outcome != PROVED for verdict in verdicts))


def _mutants(chosen: Sequence[Proof], arguments: argparse.Namespace) -> int:
    """Try the proofs on wrong components; 1 if one holds nevertheless."""
    names = {proof.name for proof in chosen}
    mutants = [mutant for mutant in load() if mutant.proof in names]
    verdicts = _each(mutants, refute, arguments.jobs)
    if arguments.json:
        print(json_text({m.name: asdict(v) for m, v in zip(mutants, verdicts, strict=True)}), end="")
    else:
        screen().print(_table(zip(mutants, verdicts, strict=True), ("mutant", "proof", "file")))
    return int(any(verdict.outcome != KILLED for verdict in verdicts))


if __name__ == "__main__":
    run_command(main)

"""`python -m tests.mutants`: wrong versions of the design, each of which a test must catch.

``mutants.toml`` holds them as data: a file, a snippet that occurs in it exactly once, what to put in its place, and the
tests that must then fail. Works on copies of the tree; every test command must pass on an unchanged copy first. Exit 1
if a mutant survives, or no longer applies.

With ``--generated N`` they are made by rule instead (:mod:`tests.mutations`), drawn from ``--seed``: each meets the
tests of its file, and if it passes those, those of its folder and tests of the whole. Those that compute the same are
in ``equivalent.toml`` with the reason. Exit 1 if fewer than 97 % of the others are killed.
"""

import os
import queue
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from console.command import CommandParser, Whole, add_seed
from console.progress import progress_bars
from console.screen import screen
from spec.refusal import run_command
from tests.mutations import Mutation, drawn

__all__ = ["MUTANTS", "Mutant", "load", "main"]

ROOT = Path(__file__).resolve().parent.parent
MUTANTS = Path(__file__).with_name("mutants.toml")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")

#: Share of generated mutants that must be killed.
GOAL = 0.97

#: Rooms that mutants are generated in, and the tests of the whole that follow those of the file and of its folder.
WHOLE = {
    "rtl": ("tests/rtl/test_accelerator.py", "sim/test_accelerator.py"),
    "spec": ("tests/text", "tests/gen/test_compile.py", "tests/gen/test_networks.py", "tests/rtl/test_accelerator.py"),
}

#: Of processor time, which a busy machine does not lengthen, and of waiting, should tests wait for each other.
_CPU_LIMIT_S, _WAIT_LIMIT_S = 120, 1800
_WHOLE_CPU_LIMIT_S = 900

_LOOK_S = 0.5  #: How often tests are asked whether they have ended, and whether they are to.

_FAILED = 1  # pytest's exit code when tests failed; other codes mean that it could not run them


@dataclass(frozen=True)
class Mutant:
    """One wrong version: ``mutated`` instead of ``original`` in ``file``, which makes some of ``tests`` fail."""

    name: str
    file: str
    original: str
    mutated: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: KILLED, SURVIVED or BROKEN; of an unchanged copy: PASSED or BROKEN."""

    name: str
    outcome: str
    detail: str
    seconds: float


def load(path: Path = MUTANTS) -> tuple[Mutant, ...]:
    """The mutants in ``path``."""
    table = tomllib.loads(path.read_text())
    return tuple(Mutant(name, **{**fields, "tests": tuple(fields["tests"])}) for name, fields in table.items())


def copy_tree(target: Path) -> Path:
    """Copy all files that git tracks or would add to ``target``, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


@contextmanager
def changed(file: Path, text: str) -> Iterator[None]:
    """``text`` in ``file`` for a while. Python knows bytecode by the size and the second of its source, so each text
    gets a second of its own.
    """
    original, status, second = file.read_text(), file.stat(), zlib.crc32(text.encode())
    file.write_text(text)
    os.utime(file, (second, second))
    try:
        yield
    finally:
        file.write_text(original)
        os.utime(file, (status.st_atime, status.st_mtime))


def _stop(tree: Path) -> Path:
    """File that ends all tests in ``tree``, those to come as well, if it is there."""
    return tree.with_name(f"{tree.name}.stop")


def run_tests(tree: Path, tests: Sequence[str], cpu_s: int = _CPU_LIMIT_S) -> tuple[int | None, str]:
    """Exit code of ``tests`` in ``tree``, None if they did not end within ``cpu_s`` seconds of processor time (each
    process of theirs), and what they said of it.
    """
    environment = os.environ | {"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # three seconds of each command
    # Folders of its own: pytest would look through those of all runs of the machine, which others remove meanwhile.
    folders = f"--basetemp={tree.with_name(f'{tree.name}.tmp')}"
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider", folders, *tests]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "start_new_session": True}
    begun, said = time.monotonic(), None
    with subprocess.Popen(command, cwd=tree, env=environment, **pipes) as process:
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (cpu_s, cpu_s))
        while said is None:
            try:
                said, _ = process.communicate(timeout=_LOOK_S)
            except subprocess.TimeoutExpired:
                late, ended = time.monotonic() - begun > _WAIT_LIMIT_S, _stop(tree).exists()
                if late or ended:
                    with suppress(ProcessLookupError):  # it ended by itself just now
                        os.killpg(process.pid, signal.SIGKILL)  # with what it has started itself
                    return None, "stopped" if ended else f"no verdict after {_WAIT_LIMIT_S} s of waiting"
    if process.returncode < 0:
        return None, f"no verdict after {cpu_s} s of processor time ({signal.Signals(-process.returncode).name})"
    lines = said.strip().splitlines()
    failed = [line.removeprefix("FAILED ") for line in lines if line.startswith("FAILED ")]
    return process.returncode, "\n".join(failed or lines[-4:])


def check_unchanged(tests: tuple[str, ...], tree: Path) -> tuple[str, str]:
    """Run ``tests`` on an unchanged copy."""
    code, said = run_tests(tree, tests)
    return ("PASSED", "") if code == 0 else ("BROKEN", f"fails without any mutant: {said}")


def check_mutant(mutant: Mutant, tree: Path) -> tuple[str, str]:
    """Apply ``mutant`` to ``tree``, run its tests, and undo it."""
    file = tree / mutant.file
    text = file.read_text() if file.is_file() else ""
    if text.count(mutant.original) != 1:
        return "BROKEN", f"its snippet occurs {text.count(mutant.original)} times in {mutant.file}, not once"
    with changed(file, text.replace(mutant.original, mutant.mutated)):
        code, said = run_tests(tree, mutant.tests)
    if code == 0:
        return "SURVIVED", f"passed: {' '.join(mutant.tests)}"
    return ("KILLED" if code == _FAILED else "BROKEN"), said


def commands_against(mutation: Mutation) -> tuple[tuple[str, ...], ...]:
    """Tests that a generated mutant meets, one command after the other."""
    file = Path(mutation.file)
    folder = Path("tests", *file.parts[:-1])
    return (str(folder / f"test_{file.name}"),), (str(folder), *WHOLE[file.parts[0]])


def equivalents(path: Path = EQUIVALENT) -> dict[tuple[str, str, str, str], str]:
    """Why a generated mutant computes the same, by its :attr:`tests.mutations.Mutation.key`."""
    table = tomllib.loads(path.read_text())
    return {(row["file"], row["within"], row["original"], row["mutated"]): row["why"] for row in table["mutant"]}


def check_mutation(mutation: Mutation, why: str | None, tree: Path) -> tuple[str, str]:
    """Apply ``mutation`` to ``tree``, run its tests until one notices, and undo it. One that does not even load or that
    never ends is noticed, too.
    """
    if why is not None:
        return "EQUIVALENT", why
    file = tree / mutation.file
    mutated = mutation.apply(file.read_text())
    if mutated is None:
        return "BROKEN", "its file has changed"
    with changed(file, mutated):
        for tests, limit in zip(commands_against(mutation), (_CPU_LIMIT_S, _WHOLE_CPU_LIMIT_S), strict=True):
            code, said = run_tests(tree, tests, limit)
            if code != 0:
                return "KILLED", said
    return "SURVIVED", " ".join(mutation.mutated.split())


#: Something to do on a copy of the tree, with its outcome and what to say of it.
Job = Callable[[Path], tuple[str, str]]


def run_all(jobs: dict[str, Job], trees: Sequence[Path], console: Console) -> list[Verdict]:
    """Run every job on whichever tree is free, with progress; verdicts in the order of the jobs."""
    free: queue.Queue[Path] = queue.Queue()
    for tree in trees:
        free.put(tree)

    def work(name: str, job: Job) -> Verdict:
        tree = free.get()
        begun = time.monotonic()
        try:
            return Verdict(name, *job(tree), time.monotonic() - begun)
        finally:
            free.put(tree)

    verdicts = {}
    with ThreadPoolExecutor(len(trees)) as pool, progress_bars(console) as progress:
        task = progress.add_task("", total=len(jobs))
        try:
            for future in as_completed([pool.submit(work, name, job) for name, job in jobs.items()]):
                verdict = future.result()
                verdicts[verdict.name] = verdict
                said = f"{verdict.outcome:<8} {verdict.name} ({verdict.seconds:.1f} s) {verdict.detail}"
                progress.console.print(said, highlight=False)
                progress.advance(task)
        except BaseException:  # Asked to end, too: the pool would first do all that was submitted.
            for tree in trees:
                _stop(tree).touch()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [verdicts[name] for name in jobs]


def show(mutants: Sequence[Mutant]) -> None:
    """Print what there is."""
    table = Table("mutant", "file", "tests")
    for mutant in mutants:
        table.add_row(mutant.name, mutant.file, " ".join(mutant.tests))
    screen().print(table)


def run_generated(count: int, seed: int, jobs: int) -> int:
    """Run mutants made by rule; exit 0 if enough are killed, 1 if not."""
    console, known = Console(), equivalents()
    mutations = drawn(ROOT, list(WHOLE), count, seed)
    with tempfile.TemporaryDirectory(prefix="foldenite-mutants-") as folder:
        trees = [copy_tree(Path(folder, str(number))) for number in range(jobs)]
        verdicts = run_all({
            mutation.name: partial(check_mutation, mutation, known.get(mutation.key)) for mutation in mutations
        }, trees, console)
    counts = {
        outcome: sum(v.outcome == outcome for v in verdicts)
        for outcome in ("KILLED", "SURVIVED", "EQUIVALENT", "BROKEN")
    }
    judged = len(verdicts) - counts["EQUIVALENT"]
    share = counts["KILLED"] / judged if judged else 1.0
    console.print(", ".join(f"{number} {outcome.lower()}" for outcome, number in counts.items()) + f": {share:.1%}")
    return int(share < GOAL)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the mutants; exit 0 if all were killed, 1 if not."""
    parser = CommandParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="list the mutants and end")
    parser.add_argument("--only", metavar="NAME", action="append", help="run this mutant only (repeatable)")
    parser.add_argument(
        "--jobs", type=Whole(1, 1024), default=2, help="copies of the tree to work on side by side (default 2)"
    )
    parser.add_argument("--generated", type=Whole(1), metavar="N", help="run N mutants made by rule instead")
    add_seed(parser, "the generated mutants")
    arguments = parser.parse_args(argv)
    if arguments.generated:
        return run_generated(arguments.generated, arguments.seed, arguments.jobs)
    mutants = load()
    if unknown := set(arguments.only or ()) - {mutant.name for mutant in mutants}:
        parser.error(f"unknown mutant {min(unknown)!r}; --list shows them")
    chosen = [mutant for mutant in mutants if not arguments.only or mutant.name in arguments.only]
    if arguments.list:
        show(chosen)
        return 0

    console = screen()
    with tempfile.TemporaryDirectory(prefix="foldenite-mutants-") as folder:
        trees = [copy_tree(Path(folder, str(number))) for number in range(arguments.jobs)]
        commands = dict.fromkeys(mutant.tests for mutant in chosen)
        console.print(f"{len(commands)} test commands on the unchanged tree, then {len(chosen)} mutants")
        unchanged = run_all({" ".join(tests): partial(check_unchanged, tests) for tests in commands}, trees, console)
        if failed := [verdict for verdict in unchanged if verdict.outcome != "PASSED"]:
            console.print(f"{len(failed)} test commands fail without any mutant; mend them first")
            return 1
        verdicts = run_all({mutant.name: partial(check_mutant, mutant) for mutant in chosen}, trees, console)
    counts = {outcome: sum(v.outcome == outcome for v in verdicts) for outcome in ("KILLED", "SURVIVED", "BROKEN")}
    console.print(", ".join(f"{count} {outcome.lower()}" for outcome, count in counts.items()))
    return 0 if counts["KILLED"] == len(verdicts) else 1


if __name__ == "__main__":
    run_command(main)

"""`python -m sim.protocol --sequences 1000 --seed 1`: confused, broken and hostile hosts, then a clean inference.

Every sequence does what :mod:`sim.moves` draws: random register traffic, storms of starts and aborts, bad packets,
resets, paused sinks. Then the host finds back, and an inference must be right in every stored value and every cycle.
Answers to accesses are checked, and that nothing that was offered is withdrawn. A table says how often each move was
drawn and what the sequences came upon. Same seed, same sequences; each can be repeated alone.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from console.command import CommandParser, Whole, add_json, add_out, add_seed
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from sim.builds import simulation_of
from sim.job import Job
from sim.moves import draw, drawn
from sim.verilator import SimulationFailed
from spec.config import AcceleratorConfig, config_for
from spec.files import build_root, output_folder, write_text
from spec.refusal import Refused, run_command

__all__ = ["BUILDS", "Batch", "batches", "main", "parser"]

#: Every fourth batch has lanes, rings, and so little mask memory that masks are streamed.
BUILDS = (*(config_for(16),) * 3, config_for(32, lanes=2, ring_words=2048, mask_bits=7168))

_SEQUENCES = 25  #: Per simulator process.


@dataclass(frozen=True)
class Batch:
    """Sequences ``first`` to before ``first + count``, on one build, in one simulator process."""

    first: int
    count: int
    config: AcceleratorConfig


def batches(sequences: int) -> tuple[Batch, ...]:
    """All batches of a run of that many sequences."""
    firsts = range(0, sequences, _SEQUENCES)
    return tuple(
        Batch(first, min(_SEQUENCES, sequences - first), BUILDS[number % len(BUILDS)])
        for number, first in enumerate(firsts)
    )


def _only(number: int, sequences: int) -> tuple[Batch, ...]:
    """The batch of sequence ``number`` alone, on its build."""
    if number >= sequences:
        raise Refused(f"There is no sequence {number}; they are 0 to {sequences - 1}")
    return (Batch(number, 1, batches(sequences)[number // _SEQUENCES].config),)


def _run(this: Batch, seed: int, out: Path) -> tuple[str | None, Counter]:
    """What is wrong in ``this``, if anything, and what its sequences came upon."""
    run_dir = out / f"{this.first}"
    seen = run_dir / "seen.json"
    seen.unlink(missing_ok=True)
    job = Job(this.config).save(run_dir / "job.json").resolve()
    given = {"job": job, "draws": seed, "first": this.first, "sequences": this.count}
    try:
        (case,) = simulation_of(this.config).run("sim.bench.protocol", run_dir, plusargs=given)
    except SimulationFailed as failure:
        return str(failure), Counter()
    return case.failure, Counter(json.loads(seen.read_text())) if seen.is_file() else Counter()


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.protocol", description=__doc__.splitlines()[0])
    made.add_argument("--sequences", type=Whole(1, 1_000_000), default=100, help="how many (default 100)")
    add_seed(made, "that everything is drawn from")
    made.add_argument(
        "--only", type=Whole(0, 1_000_000), metavar="NUMBER", help="repeat this sequence alone (default: all)"
    )
    add_out(made, "folder to write (default build/protocol)", build_root() / "protocol")
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run; exit 1 if the accelerator breaks a rule of its buses, or a clean inference is not right."""
    arguments = parser().parse_args(argv)
    chosen = batches(arguments.sequences)
    if arguments.only is not None:
        chosen = _only(arguments.only, arguments.sequences)
    output_folder(arguments.out)
    problems, seen = {}, Counter()
    with progress_bars() as progress:
        task = progress.add_task("sequences", total=sum(this.count for this in chosen))
        for this in chosen:
            problem, met = _run(this, arguments.seed, arguments.out)
            seen += met
            if problem is not None:
                problems[f"{this.first}"] = problem
            progress.advance(task, this.count)
    numbers = [number for this in chosen for number in range(this.first, this.first + this.count)]
    data = {
        "seed": arguments.seed, "sequences": len(numbers), "batches": len(chosen), "problems": problems,
        "drawn": drawn(draw(arguments.seed, number) for number in numbers), "seen": dict(sorted(seen.items())),
    }
    written = write_text(arguments.out / "protocol.json", json_text(data))
    if arguments.json:
        print(json_text(data), end="")
    else:
        _tell(data, written)
    return int(bool(problems))


def _tell(data: dict, written: Path) -> None:
    """Print the tables and what is wrong."""
    what = f"{data['sequences']} sequences, seed {data['seed']}"
    for title, column in (("drawn", "move"), ("seen", "what they came upon")):
        table = Table(column, "times", title=what)
        for name, count in data[title].items():
            table.add_row(name, f"{count}")
        screen().print(table)
    print(f"{what}: {len(data['problems'])} of {data['batches']} batches wrong")
    for problem in data["problems"].values():
        print(f"{problem} (repeat a sequence with --only NUMBER)")
    print(written)


if __name__ == "__main__":
    run_command(main)

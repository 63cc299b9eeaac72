"""`python -m sim.fuzz --networks 200 --seed 1`: random networks on random builds, every value and every cycle.

Networks and builds are drawn from everything that :mod:`gen.check` accepts (:mod:`sim.random_models`); a table says how
often each feature was. The same seed draws the same networks, whatever ran before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.table import Table

from console.command import CommandParser, Whole, add_json, add_out, add_seed
from console.progress import progress_bars
from console.record import json_text
from console.screen import screen
from sim.builds import simulation_of
from sim.job import Job
from sim.random_models import FEATURES, draw, features_of, random_config
from sim.verilator import SimulationFailed
from spec.config import AcceleratorConfig
from spec.files import build_root, output_folder, write_text
from spec.refusal import Refused, run_command

__all__ = ["Round", "coverage", "main", "never_drawn", "parser", "rounds"]

#: Networks per simulator process, and processes per build: a build takes longer than its networks.
_NETWORKS, _PROCESSES = 5, 3


@dataclass(frozen=True)
class Round:
    """``networks`` networks on one build, in one simulator process.

    Parameters
    ----------
    build, process : int
        Which one; ``--only BUILD.PROCESS`` repeats it.
    seed : int
        What the networks are drawn from.
    """

    build: int
    process: int
    networks: int
    config: AcceleratorConfig
    seed: int

    @property
    def name(self) -> str:
        """``BUILD.PROCESS``."""
        return f"{self.build}.{self.process}"


def rounds(networks: int, seed: int) -> tuple[Round, ...]:
    """All rounds of a run of ``networks`` networks."""
    found, left = [], networks
    while left:
        build, process = divmod(len(found), _PROCESSES)
        config = random_config(Random(f"{seed} {build}"), build)
        round_seed = Random(f"{seed} {build} {process}").randrange(1 << 31)
        found.append(Round(build, process, min(left, _NETWORKS), config, round_seed))
        left -= found[-1].networks
    return tuple(found)


def coverage(these: Sequence[Round]) -> dict[str, int]:
    """In how many draws of the rounds ``these`` each feature is, by name."""
    found = dict.fromkeys(FEATURES, 0)
    for this in these:
        rng = Random(this.seed)
        for _ in range(this.networks):
            for name in features_of(draw(this.config, rng), this.config):
                found[name] += 1
    return found


def never_drawn(counts: Mapping[str, int]) -> str | None:
    """A sentence that names what a :func:`coverage` never met; None if it met everything."""
    missing = [name for name, count in counts.items() if not count]
    return f"Never drawn: {', '.join(missing)}; draw more networks, or from another seed" if missing else None


def _problem(this: Round, out: Path) -> str | None:
    """Run ``this``; what is wrong, if anything."""
    run_dir = out / this.name
    job = Job(this.config).save(run_dir / "job.json").resolve()
    try:
        (case,) = simulation_of(this.config).run(
            "sim.bench.random_networks", run_dir, seed=this.seed, plusargs={"job": job, "networks": this.networks}
        )
    except SimulationFailed as failure:
        return str(failure)
    return case.failure


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m sim.fuzz", description=__doc__.splitlines()[0])
    made.add_argument(
        "--networks", type=Whole(1, 1_000_000), default=50, help="draws, of one or two networks each (default 50)"
    )
    add_seed(made, "that everything is drawn from")
    made.add_argument("--only", metavar="BUILD.PROCESS", help="repeat the round of this name (default: all rounds)")
    add_out(made, "folder to write (default build/fuzz)", build_root() / "fuzz")
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run; exit 1 if a value or a cycle differs from the models."""
    arguments = parser().parse_args(argv)
    output_folder(arguments.out)
    planned = rounds(arguments.networks, arguments.seed)
    chosen = [this for this in planned if arguments.only in (None, this.name)]
    if not chosen:
        raise Refused(f"There is no round {arguments.only}; they are {planned[0].name} to {planned[-1].name}")

    problems: dict[str, str] = {}
    with progress_bars() as progress:
        task = progress.add_task("", total=sum(this.networks for this in chosen))
        for this in chosen:
            shape = f"{this.config.groups}x{this.config.rows}x{this.config.lanes}"
            progress.update(task, description=f"round {this.name} on {shape}")
            problem = _problem(this, arguments.out)
            if problem is not None:
                problems[this.name] = problem
            progress.advance(task, this.networks)
    counts = coverage(chosen)
    data = {
        "seed": arguments.seed,
        "networks": sum(this.networks for this in chosen),
        "builds": len({this.build for this in chosen}),
        "rounds": len(chosen),
        "problems": problems,
        "coverage": counts,
        "never_drawn": never_drawn(counts),
    }
    written = write_text(arguments.out / "fuzz.json", json_text(data))
    if arguments.json:
        print(json_text(data), end="")
    else:
        what = f"{data['networks']} networks on {data['builds']} builds, seed {data['seed']}"
        table = Table("of these", "draws", title=what)
        for name, count in data["coverage"].items():
            table.add_row(name, f"{count}")
        screen().print(table)
        if data["never_drawn"]:
            print(data["never_drawn"])
        print(f"{what}: {len(problems)} of {len(chosen)} rounds wrong")
        for name, problem in problems.items():
            print(f"round {name} (repeat it with --only {name}): {problem}")
        print(written)
    return int(bool(problems))


if __name__ == "__main__":
    run_command(main)

"""`python -m sim.fuzz --networks 200 --seed 1`: random networks on random builds, every value and every cycle.

Sizes, strides, folds, densities, bits, mask modes, rings, seeds and images are drawn for every network, shapes and
memories for every build (:mod:`sim.bench.random_networks`). The same seed draws the same networks, whatever ran before.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sim.builds import simulation_of
from sim.job import Job
from sim.verilator import SimulationFailed
from spec.config import AcceleratorConfig, config_for
from spec.files import build_root, write_text
from spec.refusal import Refused, run_command

__all__ = ["Round", "main", "random_config", "rounds"]

#: Networks per simulator process, and processes per build: a build takes longer than its networks.
_NETWORKS, _PROCESSES = 5, 5


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


def random_config(rng: Random) -> AcceleratorConfig:
    """A random build of at most 512 PEs."""
    groups = rng.choice((4, 8, 16, 32))
    rows = rng.choice([rows for rows in (4, 8, 16, 32) if rows <= 4 * groups and rows * groups <= 512])
    lanes = rng.choice([lanes for lanes in (1, 2, 4, 8) if lanes * rows * groups <= 512])
    weight_rows = rng.choice([count for count in (1, 2, 4, 8) if count <= rows])
    return config_for(
        groups * rows * lanes, groups=groups, rows=rows, lanes=lanes, weight_rows=weight_rows,
        psum_depth=rng.randrange(16, 200), ring_words=rng.choice((0, 2048)),
    )


def rounds(networks: int, seed: int) -> tuple[Round, ...]:
    """All rounds of a run of ``networks`` networks."""
    found, left = [], networks
    while left:
        build, process = divmod(len(found), _PROCESSES)
        config = random_config(Random(f"{seed} {build}"))
        round_seed = Random(f"{seed} {build} {process}").randrange(1 << 31)
        found.append(Round(build, process, min(left, _NETWORKS), config, round_seed))
        left -= found[-1].networks
    return tuple(found)


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


def main(argv: Sequence[str] | None = None) -> int:
    """Run; exit 1 if a value or a cycle differs from the models."""
    parser = argparse.ArgumentParser(prog="python -m sim.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=50, help="networks to draw (default 50)")
    parser.add_argument("--seed", type=int, default=1, help="what everything is drawn from (default 1)")
    parser.add_argument("--only", metavar="BUILD.PROCESS", help="repeat the round of this name")
    parser.add_argument("--out", type=Path, default=build_root() / "fuzz", help="folder (default build/fuzz)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args(argv)
    if arguments.networks < 1:
        raise Refused(f"--networks must be at least 1, not {arguments.networks}")
    planned = rounds(arguments.networks, arguments.seed)
    chosen = [this for this in planned if arguments.only in (None, this.name)]
    if not chosen:
        raise Refused(f"There is no round {arguments.only}; they are {planned[0].name} to {planned[-1].name}")

    problems: dict[str, str] = {}
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=sum(this.networks for this in chosen))
        for this in chosen:
            shape = f"{this.config.groups}x{this.config.rows}x{this.config.lanes}"
            progress.update(task, description=f"round {this.name} on {shape}")
            problem = _problem(this, arguments.out)
            if problem is not None:
                problems[this.name] = problem
            progress.advance(task, this.networks)
    data = {
        "schema_version": 1,
        "seed": arguments.seed,
        "networks": sum(this.networks for this in chosen),
        "builds": len({this.build for this in chosen}),
        "rounds": len(chosen),
        "problems": problems,
    }
    written = write_text(arguments.out / "fuzz.json", json.dumps(data, indent=2) + "\n")
    if arguments.json:
        print(json.dumps(data, indent=2))
    else:
        what = f"{data['networks']} networks on {data['builds']} builds, seed {data['seed']}"
        print(f"{what}: {len(problems)} of {len(chosen)} rounds wrong")
        for name, problem in problems.items():
            print(f"round {name} (repeat it with --only {name}): {problem}")
        print(written)
    return int(bool(problems))


if __name__ == "__main__":
    run_command(main)

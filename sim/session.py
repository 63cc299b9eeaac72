"""One simulator process seen from outside: start it, read its events as they come."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sim.job import Job
from sim.verilator import Simulation, SimulationFailed

__all__ = ["follow"]

_POLL_SECONDS = 0.05


def follow(
    simulation: Simulation, test: str, job: Job, run_dir: Path, *, module: str = "sim.bench.images", **plusargs
) -> Iterator[dict]:
    """Run ``test`` of ``module`` on ``job`` and yield its events; closing the iterator stops it early.

    Raises
    ------
    SimulationFailed
        If the test fails or the simulator crashes.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    events, stop = run_dir / "events.jsonl", run_dir / "stop"
    for leftover in (events, stop, *run_dir.glob("traced-*.npz")):
        leftover.unlink(missing_ok=True)
    job_file = job.save(run_dir / "job.json").resolve()
    outcome: list = []

    def simulate() -> None:
        try:
            given = {"job": job_file, **plusargs}
            outcome.extend(simulation.run(module, run_dir, tests=[test], plusargs=given))
        except SimulationFailed as failure:
            outcome.append(failure)

    thread = threading.Thread(target=simulate, daemon=True)
    thread.start()
    try:
        yield from _lines(events, thread)
    finally:
        stop.touch()
        thread.join()
    for result in outcome:
        if isinstance(result, SimulationFailed):
            raise result
        if result.failure is not None:
            raise SimulationFailed(f"Simulation failed: {result.failure}; see {run_dir / 'log.txt'}")


def _lines(path: Path, writer: threading.Thread) -> Iterator[dict]:
    """Whole lines of JSON that appear in ``path`` until ``writer`` ends."""
    position, rest = 0, ""
    while True:
        last_look = not writer.is_alive()
        if path.is_file():
            with open(path) as file:
                file.seek(position)
                text = file.read()
                position = file.tell()
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                yield json.loads(line)
        if last_look:
            return
        time.sleep(_POLL_SECONDS)

"""Events of a simulator process that is not there."""

import time

import pytest

from sim.job import Job
from sim.session import follow
from sim.verilator import Case, SimulationFailed
from spec.config import config_for

JOB = Job(config_for(16))


class FakeSimulation:
    """Writes events slowly, some of them in halves; if ``endless``, ends only when it is told to."""

    def __init__(self, pieces, outcome=None, endless=False):
        self.pieces = pieces
        self.outcome = (Case("t", None, 1.0),) if outcome is None else outcome
        self.endless = endless
        self.stopped = False
        self.options = None

    def run(self, module, run_dir, **options):
        self.options = {"module": module, **options}
        for piece in self.pieces:
            if (run_dir / "stop").exists():
                break
            with open(run_dir / "events.jsonl", "a") as file:
                file.write(piece)
            time.sleep(0.06)
        for _ in range(10_000 if self.endless else 0):
            self.stopped = (run_dir / "stop").exists()
            if self.stopped:
                break
            time.sleep(0.06)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def test_events_arrive_whole_and_in_order(tmp_path):
    simulation = FakeSimulation(['{"n": 1}\n{"n"', ': 2}\n', '{"n": 3}\n'])
    assert [event["n"] for event in follow(simulation, "t", JOB, tmp_path, dump_file="f.vcd")] == [1, 2, 3]
    assert simulation.options["tests"] == ["t"]
    assert simulation.options["plusargs"] == {"job": (tmp_path / "job.json").resolve(), "dump_file": "f.vcd"}


def test_closing_stops_the_simulator(tmp_path):
    simulation = FakeSimulation(['{"n": 0}\n', '{"n": 1}\n'], endless=True)
    events = follow(simulation, "t", JOB, tmp_path)
    assert next(events) == {"n": 0}
    events.close()
    assert simulation.stopped


def test_events_of_an_earlier_run_are_forgotten(tmp_path):
    (tmp_path / "events.jsonl").write_text('{"n": 99}\n')
    (tmp_path / "stop").touch()
    assert list(follow(FakeSimulation(['{"n": 1}\n']), "t", JOB, tmp_path)) == [{"n": 1}]


@pytest.mark.parametrize(("outcome", "message"), [
    ((Case("t", "register reads 3", 1.0),), "Simulation failed: register reads 3; see .*log.txt"),
    (SimulationFailed("crashed"), "crashed"),
])
def test_a_failure_is_raised_after_the_events(tmp_path, outcome, message):
    events = follow(FakeSimulation(['{"n": 1}\n'], outcome), "t", JOB, tmp_path)
    assert next(events) == {"n": 1}
    with pytest.raises(SimulationFailed, match=message):
        next(events)

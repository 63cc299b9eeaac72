"""Jobs survive the way to the simulator."""

from sim.job import Cut, Job
from spec.config import config_for


def test_round_trip(tmp_path):
    job = Job(config_for(64), "m.safetensors", "i.npy", 0.25, 9, Cut(1, True, "x", 17, 3, 100, 250))
    assert Job.load(job.save(tmp_path / "job.json")) == job


def test_a_job_needs_only_a_configuration(tmp_path):
    job = Job(config_for(16))
    assert Job.load(job.save(tmp_path / "job.json")) == job

"""Jobs survive the way to the simulator."""

from sim.job import Job, Watch
from spec.config import config_for


def test_round_trip(tmp_path):
    watch = Watch(1, True, 4, (2, 3, 5), 6, "x", 17, 3, 8, 2, 90, (-5, 17, 20), 250)
    job = Job(config_for(64), "m.safetensors", "i.npy", 0.25, 9, watch)
    assert Job.load(job.save(tmp_path / "job.json")) == job


def test_a_job_needs_only_a_configuration(tmp_path):
    job = Job(config_for(16))
    assert Job.load(job.save(tmp_path / "job.json")) == job

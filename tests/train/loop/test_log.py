"""Times are in the log, and come back from it."""

import json

import pytest

from train.loop.log import TIMES, read_log, timeless, with_times, write_log

RECORDS = [
    {"epoch": n, "loss": 1 / n, "held_out_accuracy": 0.5, "lr": 0.1, "seconds": 2.5 * n, "images_per_s": 3.0}
    for n in (1, 2, 3)
]


def test_what_is_written_is_read(tmp_path):
    path = write_log(tmp_path / "log.jsonl", RECORDS)
    assert read_log(path) == RECORDS
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_records_without_times():
    assert all(record.keys() == {"epoch", "loss", "held_out_accuracy", "lr"} for record in timeless(RECORDS))
    assert set(TIMES) == {"seconds", "images_per_s"}


def test_times_come_back_from_the_log_of_the_same_records(tmp_path):
    path = write_log(tmp_path / "log.jsonl", RECORDS)
    assert with_times(timeless(RECORDS[:2]), path) == RECORDS[:2]
    assert with_times(RECORDS, tmp_path / "none.jsonl") == RECORDS  # Of a checkpoint that holds them, as old ones do.


def test_those_of_other_records_do_not(tmp_path):
    path = write_log(tmp_path / "log.jsonl", [RECORDS[0] | {"loss": 0.9}, RECORDS[1]])
    assert with_times(timeless(RECORDS), path) == [*timeless(RECORDS[:1]), RECORDS[1], *timeless(RECORDS[2:])]


@pytest.mark.parametrize("damage", [b"", b"{", b"[]\n3\n", b'{"epoch": [1]}\n', b"\xff"])
def test_a_log_that_is_none_is_no_harm(tmp_path, damage):
    (tmp_path / "log.jsonl").write_bytes(damage)
    assert with_times(timeless(RECORDS), tmp_path / "log.jsonl") == timeless(RECORDS)

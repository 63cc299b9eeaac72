"""The log of a training: a JSON object an epoch, with the times that its checkpoint leaves out.

So the bits of a checkpoint, and its digest, are a function of what was trained and not of when.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from spec.documents import parse_json
from spec.files import write_text

__all__ = ["TIMES", "read_log", "timeless", "with_times", "write_log"]

#: What a record says that differs from run to run.
TIMES = ("seconds", "images_per_s")


def timeless(history: Sequence[dict]) -> list[dict]:
    """The records ``history`` without their times."""
    return [{name: value for name, value in record.items() if name not in TIMES} for record in history]


def with_times(history: Sequence[dict], log: Path) -> list[dict]:
    """The records ``history`` of a checkpoint, with the times that ``log`` has of the same records, if it has them."""
    try:
        known = read_log(log)
    except (OSError, ValueError):
        known = []
    timed = {record["epoch"]: record for record in known if type(record) is dict and type(record.get("epoch")) is int}
    return [
        found if timeless([found]) == timeless([record]) else record
        for record in history for found in [timed.get(record["epoch"], record)]
    ]


def read_log(path: Path) -> list[dict]:
    """The records in the file ``path``."""
    return [parse_json(line, f"Line of log {path}", "train again") for line in path.read_text().splitlines()]


def write_log(path: Path, history: Sequence[dict]) -> Path:
    """Write the records ``history`` to ``path``, whole or not at all, and return the path."""
    return write_text(path, "".join(json.dumps(record) + "\n" for record in history))

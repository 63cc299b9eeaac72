"""The list of commands is what can be run, no more and no less."""

import re
from pathlib import Path

import pytest

from foldenite.commands import COMMANDS, GROUPS

ROOT = Path(__file__).parents[2]
ROOMS = ("train", "gen", "sim", "flows")

#: Two studies that are on their way into ``train.fit`` and ``train.export``.
LEAVING = {"train.studies.ring_fit", "train.studies.ring_export"}


def runnable():
    """Modules with a ``main`` that ``python -m`` runs."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if re.search(r"^def main\(", path.read_text(), re.MULTILINE):
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")


def test_every_command_is_listed_and_every_listed_one_is_there():
    assert sorted(set(runnable()) - LEAVING) == sorted(command.module for command in COMMANDS)


@pytest.mark.parametrize("what", ["name", "module", "summary"])
def test_nothing_is_listed_twice(what):
    values = [getattr(command, what) for command in COMMANDS]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_lines_are_lines(command):
    assert re.fullmatch(r"[a-z-]+", command.name)
    assert 10 < len(command.summary) < 80
    assert command.summary[-1] != "."
    assert any(command.module.startswith(f"{group}.") for group in GROUPS)

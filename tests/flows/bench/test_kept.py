"""Results that are kept: used while everything they depend on is the same, measured anew when anything is not."""

import argparse
import json
from types import SimpleNamespace

import pytest

from flows.bench import kept


class Counted(SimpleNamespace):
    """A benchmark that counts how often it was measured."""

    ROOMS = ("spec",)
    times = 0

    def inputs(self, arguments):
        return {"images": arguments.images}

    def measure(self, arguments):
        self.times += 1
        return {"time": self.times}


@pytest.fixture
def counted(tmp_path):
    benchmark = Counted()

    def measured(images=4, again=False):
        arguments = argparse.Namespace(images=images, again=again, out=tmp_path)
        data, path = kept.measured("it", benchmark, arguments)
        assert path == tmp_path / "it.json"
        assert data == {"time": json.loads(path.read_text())["time"]}
        return data["time"]

    return measured


def test_the_same_is_not_measured_twice(counted):
    assert [counted(), counted()] == [1, 1]
    assert counted(again=True) == 2


def test_other_inputs_are_another_result(counted):
    assert [counted(), counted(images=5), counted(images=5), counted()] == [1, 2, 2, 3]


@pytest.mark.parametrize(("name", "other"), [
    ("machine", {"cores": 1000}), ("versions", {"verilator": "0"}), ("digest_of_code", "other"),
])
def test_another_machine_tool_or_code_is_another_result(name, other, counted, monkeypatch):
    counted()
    monkeypatch.setattr(kept, name, lambda *arguments: other)
    assert counted() == 2

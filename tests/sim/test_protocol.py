"""The command around the protocol bench: batches, what it says and what it exits with."""

import json

import pytest

from sim import protocol
from sim.moves import draw
from sim.verilator import Case
from spec.files import write_text
from spec.refusal import Refused


def test_rounds_hold_every_sequence_once_and_do_not_depend_on_how_many_there_are():
    few, many = protocol.batches(30), protocol.batches(1000)
    assert [number for one in many for number in range(one.first, one.first + one.count)] == list(range(1000))
    assert [(one.first, one.count) for one in few] == [(0, 25), (25, 5)]
    assert few[0] == many[0]
    assert {one.config for one in many} == set(protocol.BUILDS)
    assert any(config.lanes > 1 and config.ring_words for config in protocol.BUILDS)


class Simulated:
    """In place of a simulator: notes what it was asked, and fails in the batch of sequence ``bad``."""

    def __init__(self, bad):
        self.bad, self.asked = bad, []

    def run(self, module, run_dir, plusargs):
        assert module == "sim.bench.protocol"
        self.asked.append((plusargs["first"], plusargs["sequences"], plusargs["draws"]))
        if self.bad in range(plusargs["first"], plusargs["first"] + plusargs["sequences"]):
            return (Case("protocol", f"sequence {self.bad} of seed {plusargs['draws']}: wrong", 1.0),)
        write_text(run_dir / "seen.json", json.dumps({"NONE pending at the end": plusargs["sequences"]}))
        return (Case("protocol", None, 1.0),)


@pytest.fixture
def simulated(monkeypatch):
    def install(bad=None):
        simulation = Simulated(bad)
        monkeypatch.setattr(protocol, "simulation_of", lambda config: simulation)
        return simulation

    return install


def test_a_run_in_which_all_is_right(simulated, tmp_path, capsys):
    simulation = simulated()
    assert protocol.main(["--sequences", "60", "--seed", "3", "--out", str(tmp_path)]) == 0
    assert simulation.asked == [(0, 25, 3), (25, 25, 3), (50, 10, 3)]
    said = capsys.readouterr().out
    assert "60 sequences, seed 3: 0 of 3 batches wrong" in said
    data = json.loads((tmp_path / "protocol.json").read_text())
    assert data["seen"] == {"NONE pending at the end": 60}
    assert data["drawn"]["inference"] == sum(
        move.name == "inference" for number in range(60) for move in draw(3, number).moves
    )


def test_what_is_wrong_is_told_and_repeated_alone(simulated, tmp_path, capsys):
    simulated(bad=31)
    assert protocol.main(["--sequences", "60", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "1 of 3 batches wrong" in said
    assert "sequence 31 of seed 1: wrong (repeat a sequence with --only NUMBER)" in said
    alone = simulated(bad=31)
    assert protocol.main(["--sequences", "60", "--only", "31", "--json", "--out", str(tmp_path)]) == 1
    assert alone.asked == [(31, 1, 1)]
    assert list(json.loads(capsys.readouterr().out)["problems"]) == ["31"]


def test_a_sequence_that_is_not_there(simulated, tmp_path):
    simulated()
    with pytest.raises(Refused, match="There is no sequence 60; they are 0 to 59"):
        protocol.main(["--sequences", "60", "--only", "60", "--out", str(tmp_path / "new")])
    assert not (tmp_path / "new").exists()

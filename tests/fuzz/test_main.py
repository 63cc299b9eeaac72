"""2,000 random inputs of all kinds: none surprises. `python -m tests.fuzz` tries 100,000."""

import pytest

from tests.fuzz import __main__ as command


def test_nothing_surprises():
    tallies = command.fuzz(2000, seed=2)
    assert {name: tally.faults for name, tally in tallies.items() if tally.faults} == {}
    assert sum(sum(tally.counts.values()) for tally in tallies.values()) >= 2000
    for name, tally in tallies.items():
        assert tally.counts["refused"] > 0, name
        if name != "model bytes":  # Whose digest tells every change.
            assert tally.counts["accepted"] > 0, name


def test_the_table_and_the_exit_code(monkeypatch, capsys):
    def prepare(folder):
        return lambda rng: (lambda: None) if rng.random() < 0.5 else (lambda: {}["x"])

    monkeypatch.setattr(command, "KINDS", {"odd": (prepare, 1)})
    assert command.main(["--inputs", "20"]) == 1
    said = capsys.readouterr().out
    assert "odd, input" in said
    assert "KeyError in test_main.py:" in said
    monkeypatch.setattr(command, "KINDS", {"even": (lambda folder: lambda rng: lambda: None, 1)})
    assert command.main(["--inputs", "20"]) == 0
    assert "20" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["recipes", "model texts"])
def test_inputs_are_a_function_of_seed_and_number(kind, tmp_path):
    tallies = [command.fuzz(6, seed=5, only=[kind], first=3)[kind] for _ in range(2)]
    assert tallies[0].counts == tallies[1].counts

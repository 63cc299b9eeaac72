"""The command: tables, kept results, exit codes."""

import json

import pytest

from formal import __main__ as command
from formal.proofs import PROOFS
from formal.prover import REFUTED, Verdict
from spec.refusal import Refused


def test_every_proof_is_listed_with_its_claim(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert command.main(["--list"]) == 0
    text = capsys.readouterr().out
    assert all(proof.name in text for proof in PROOFS)


def test_a_proof_is_kept(tmp_path, capsys, monkeypatch):
    arguments = ["--only", "expander", "--out", str(tmp_path), "--jobs", "1", "--json"]
    assert command.main(arguments) == 0
    first = json.loads(capsys.readouterr().out)["expander"]
    assert first["outcome"] == "proved"
    monkeypatch.setattr(command, "prove", None)  # not called again
    assert command.main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["expander"] == first


def test_a_claim_that_is_wrong_is_exit_1_with_its_waveform(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "prove", lambda proof, folder: Verdict(REFUTED, 0.1, str(folder / "base.vcd")))
    assert command.main(["--only", "frames", "--out", str(tmp_path)]) == 1
    assert str(tmp_path / "frames" / "base.vcd") in capsys.readouterr().out
    assert not (tmp_path / "frames.json").exists()


def test_mutants_of_a_proof_are_refuted(tmp_path, capsys):
    assert command.main(["--mutants", "--only", "expander", "--out", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["unused-group-has-a-weight"]["outcome"] == "killed"


@pytest.mark.parametrize(("arguments", "message"), [
    (["--only", "nothing"], "Unknown proof 'nothing'; --list shows them"),
    (["--jobs", "0"], "Option --jobs must be from 1 to"),
])
def test_bad_input_is_refused(arguments, message):
    with pytest.raises(Refused, match=message):
        command.main(arguments)

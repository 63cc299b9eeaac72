"""Stages: made once for the same inputs, again for others, and whole or not there."""

import os
import subprocess
import sys

import pytest

from flows.synth.stage import run_stage


def write(text):
    return lambda folder: (folder / "result").write_text(text)


def test_a_stage_is_made_once_for_its_inputs(tmp_path):
    first, made = run_stage(tmp_path, "yosys", {"verilog": "a", "seed": 1}, write("one"))
    again, remade = run_stage(tmp_path, "yosys", {"seed": 1, "verilog": "a"}, write("two"))
    assert (made, remade) == (True, False)
    assert again == first
    assert (first / "result").read_text() == "one"


@pytest.mark.parametrize("inputs", [{"verilog": "b", "seed": 1}, {"verilog": "a", "seed": 2}, {"verilog": "a"}])
def test_other_inputs_are_another_stage(inputs, tmp_path):
    first, _ = run_stage(tmp_path, "yosys", {"verilog": "a", "seed": 1}, write("one"))
    other, made = run_stage(tmp_path, "yosys", inputs, write("two"))
    assert made
    assert other != first
    assert (first / "result").read_text() == "one"


def test_an_interrupted_stage_leaves_nothing_and_is_made_again(tmp_path):
    def interrupted(folder):
        write("half")(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_stage(tmp_path, "yosys", {}, interrupted)
    assert not list(tmp_path.iterdir())
    folder, made = run_stage(tmp_path, "yosys", {}, write("whole"))
    assert made
    assert (folder / "result").read_text() == "whole"


def test_what_a_killed_process_left_is_removed_and_what_a_running_one_works_on_is_not(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, worked_on = tmp_path / f".yosys-abc.{gone.pid}.tmp", tmp_path / f".yosys-def.{os.getppid()}.tmp"
    left.mkdir()
    worked_on.mkdir()
    run_stage(tmp_path, "yosys", {}, write("whole"))
    assert not left.exists()
    assert worked_on.exists()

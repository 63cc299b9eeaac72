"""Results: made once for the same inputs, again for others, and whole or not there."""

import json
import os
import subprocess
import sys

import pytest

from console.kept import digest_of_code, kept_folder, kept_in_place, kept_record


def write(text):
    return lambda folder: (folder / "result").write_text(text)


def test_a_stage_is_made_once_for_its_inputs(tmp_path):
    first, made = kept_folder(tmp_path, "yosys", {"verilog": "a", "seed": 1}, write("one"))
    again, remade = kept_folder(tmp_path, "yosys", {"seed": 1, "verilog": "a"}, write("two"))
    assert (made, remade) == (True, False)
    assert again == first
    assert (first / "result").read_text() == "one"


@pytest.mark.parametrize("inputs", [{"verilog": "b", "seed": 1}, {"verilog": "a", "seed": 2}, {"verilog": "a"}])
def test_other_inputs_are_another_stage(inputs, tmp_path):
    first, _ = kept_folder(tmp_path, "yosys", {"verilog": "a", "seed": 1}, write("one"))
    other, made = kept_folder(tmp_path, "yosys", inputs, write("two"))
    assert made
    assert other != first
    assert (first / "result").read_text() == "one"


def test_an_interrupted_stage_leaves_nothing_and_is_made_again(tmp_path):
    def interrupted(folder):
        write("half")(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_folder(tmp_path, "yosys", {}, interrupted)
    assert not list(tmp_path.iterdir())
    folder, made = kept_folder(tmp_path, "yosys", {}, write("whole"))
    assert made
    assert (folder / "result").read_text() == "whole"


def test_what_a_killed_process_left_is_removed_and_what_a_running_one_works_on_is_not(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, worked_on = tmp_path / f".yosys-abc.{gone.pid}.tmp", tmp_path / f".yosys-def.{os.getppid()}.tmp"
    left.mkdir()
    worked_on.mkdir()
    kept_folder(tmp_path, "yosys", {}, write("whole"))
    assert not left.exists()
    assert worked_on.exists()


@pytest.fixture
def counted(tmp_path):
    """A record that counts how often it was made."""
    times = []

    def record(key="a", **more):
        times.append(0)
        made = kept_record(tmp_path / "it.json", {"of": key}, lambda: {"time": len(times)}, **more)
        assert set(made) == {"time"}
        return made["time"]

    return record


def test_a_record_is_made_once_for_its_key(counted, tmp_path):
    assert [counted(), counted(), counted(again=True), counted()] == [1, 1, 3, 3]
    assert json.loads((tmp_path / "it.json").read_text()) == {"time": 3, "key": {"of": "a"}}


def test_another_key_is_another_record(counted):
    assert [counted(), counted("b"), counted("b"), counted()] == [1, 2, 2, 4]


@pytest.mark.parametrize("text", ["", "[]", '{"time": 1'])
def test_a_damaged_record_is_made_again(text, counted, tmp_path):
    counted()
    (tmp_path / "it.json").write_text(text)
    assert [counted(), counted()] == [2, 2]


def test_what_is_not_to_be_kept_is_made_again_and_leaves_the_old(counted, tmp_path):
    counted()
    before = (tmp_path / "it.json").read_text()
    assert counted("b", keep=lambda record: record["time"] > 2) == 2
    assert (tmp_path / "it.json").read_text() == before
    assert counted("b", keep=lambda record: record["time"] > 2) == 3
    assert counted("b") == 3


def test_code_is_what_the_places_hold(tmp_path):
    for room in ("a", "b"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "x.py").write_text("1")
    before = digest_of_code(tmp_path, ("a",))
    (tmp_path / "b" / "x.py").write_text("2")
    (tmp_path / "a" / "x.txt").write_text("2")
    assert digest_of_code(tmp_path, ("a",)) == before
    (tmp_path / "a" / "x.py").write_text("2")
    assert digest_of_code(tmp_path, ("a",)) != before
    before = digest_of_code(tmp_path, ("b", "a/x.py"))
    (tmp_path / "a" / "x.py").write_text("3")
    assert digest_of_code(tmp_path, ("b", "a/x.py")) != before


def test_in_place_a_result_is_made_once_for_its_inputs_and_over_for_others(tmp_path):
    folder, made = tmp_path / "obj", []
    folder.mkdir()
    for inputs in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2}, {"a": 2}, {"a": 1, "b": 2}):
        made.append(kept_in_place(folder / "result", inputs, lambda: write("done")(folder)))
    assert made == [True, False, True, False, True]
    (folder / "result").unlink()
    assert kept_in_place(folder / "result", inputs, lambda: write("again")(folder))
    assert (folder / "result").read_text() == "again"


def test_in_place_what_was_interrupted_is_made_again(tmp_path):
    def interrupted():
        write("half")(tmp_path)
        raise KeyboardInterrupt

    assert kept_in_place(tmp_path / "result", {}, lambda: write("whole")(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        kept_in_place(tmp_path / "result", {"other": 1}, interrupted)
    assert kept_in_place(tmp_path / "result", {}, lambda: write("whole")(tmp_path))
    assert (tmp_path / "result").read_text() == "whole"


def test_in_place_two_processes_do_it_once(tmp_path):
    """The second waits for the first, and finds it done."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom console.kept import kept_in_place\n"
        "folder = Path(sys.argv[1])\n"
        "def work():\n    with open(folder / 'log', 'a') as log:\n        log.write('begun ')\n"
        "        log.flush()\n        time.sleep(0.3)\n        log.write('ended ')\n"
        "kept_in_place(folder / 'log', {}, work)\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert (tmp_path / "log").read_text() == "begun ended "

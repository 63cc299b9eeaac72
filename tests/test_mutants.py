"""The list of mutants: that each still applies. `make mutants` runs them."""

import os
import signal
import subprocess
import sys

import pytest

from tests.mutants import ROOT, changed, load, run_tests


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.name)
def test_a_mutant_changes_one_place(mutant):
    assert (ROOT / mutant.file).read_text().count(mutant.original) == 1
    assert mutant.mutated != mutant.original
    assert all((ROOT / word).exists() for word in mutant.tests if word.endswith(".py"))


def test_tests_that_never_end_are_stopped_by_the_time_they_compute(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    while True:\n        pass\n")
    code, said = run_tests(tmp_path, ["test_it.py"], cpu_s=1)
    assert code is None
    assert said.startswith("no verdict after 1 s of processor time")


def test_what_is_asked_to_end_ends_with_its_tests(tmp_path):
    """In two trees a test runs that never ends, and two wait for a tree."""
    trees = [tmp_path / str(number) for number in range(2)]
    for tree in trees:
        tree.mkdir()
        os.mkfifo(tree / "begun")
        (tree / "test_it.py").write_text(
            "import os, time\n\ndef test_it():\n    open('begun', 'w').write(str(os.getpid()))\n    time.sleep(1e6)\n"
        )
    program = (
        "import sys\nfrom functools import partial\nfrom pathlib import Path\nfrom console.screen import screen\n"
        "from spec.refusal import run_command\nfrom tests.mutants import check_unchanged, run_all\n"
        "jobs = {name: partial(check_unchanged, ('test_it.py',)) for name in 'abcd'}\n"
        "run_command(lambda argv: run_all(jobs, [Path(tree) for tree in sys.argv[1:]], screen()))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, *map(str, trees)], cwd=ROOT) as process:
        running = [int((tree / "begun").read_text()) for tree in trees]
        process.terminate()
        try:
            assert process.wait(timeout=300) == 128 + signal.SIGTERM  # A wrong one never ends.
        finally:
            process.kill()
    for one in running:
        with pytest.raises(ProcessLookupError):
            os.kill(one, 0)


def test_texts_of_one_length_and_second_do_not_share_bytecode(tmp_path):
    part = tmp_path / "part.py"
    part.write_text("ANSWER = 1\n")
    (tmp_path / "test_it.py").write_text("from part import ANSWER\n\n\ndef test_it():\n    assert ANSWER == 1\n")
    codes = []
    for answer in (1, 2):
        with changed(part, f"ANSWER = {answer}\n"):
            codes.append(run_tests(tmp_path, ["test_it.py"])[0])
    assert codes == [0, 1]
    assert part.read_text() == "ANSWER = 1\n"
    assert run_tests(tmp_path, ["test_it.py"])[0] == 0

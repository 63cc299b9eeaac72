"""One writer to a folder at a time, in processes that are told when to go on: nothing here depends on time."""

import contextlib
import subprocess
import sys

import pytest

from console.lock import only_writer
from spec.refusal import Refused

#: Says when it has the lock, keeps it until it is told to go on, or killed.
HOLDS = """
import sys
from pathlib import Path
from console.lock import only_writer
with only_writer(Path(sys.argv[1]), wait=sys.argv[2] == "wait"):
    print("held", flush=True)
    sys.stdin.readline()
print("done", flush=True)
"""


@contextlib.contextmanager
def process(folder, how="refuse"):
    command = [sys.executable, "-c", HOLDS, str(folder), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def held(running):
    assert running.stdout.readline() == "held\n"
    return running


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path):
    folder = tmp_path / "a" / "b"
    with process(folder) as first:
        held(first)
        with pytest.raises(Refused) as refusal, only_writer(folder):
            pytest.fail("two at a time")
        assert str(refusal.value) == (
            f"Another process is writing to the folder {folder}; wait until it is done, or name another folder"
        )
        with only_writer(tmp_path / "a"):  # another one
            pass
        assert first.communicate("\n")[0] == "done\n"
        with only_writer(folder):
            pass


def test_what_a_killed_process_left_does_not_block(tmp_path):
    with process(tmp_path) as first:
        held(first).kill()
        first.wait()
        assert (tmp_path / ".lock").exists()
        with only_writer(tmp_path):
            pass


def test_it_is_free_after_an_error(tmp_path):
    with pytest.raises(KeyError), only_writer(tmp_path):
        raise KeyError
    with only_writer(tmp_path):
        pass


def test_one_that_waits_is_not_refused(tmp_path):
    with contextlib.ExitStack() as processes:
        with only_writer(tmp_path):
            second = processes.enter_context(process(tmp_path, "wait"))
        assert held(second).communicate("\n")[0] == "done\n"

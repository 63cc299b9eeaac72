"""Tools as processes: lines as they come, errors with what was said, and no process left behind."""

import os
import sys

import pytest

from flows.tools.process import ToolFailed, ToolLate, run_tool


def python(text):
    return [sys.executable, "-c", text]


def test_lines_go_to_the_log_and_to_whoever_listens(tmp_path):
    seen = []
    run_tool(python("import sys; print('one'); print('two', file=sys.stderr)"), tmp_path, "tool.log", seen.append)
    assert sorted(seen) == ["one", "two"]
    assert sorted((tmp_path / "tool.log").read_text().split()) == ["one", "two"]


@pytest.mark.parametrize(("text", "message"), [
    ("print('ERROR: no such cell'); raise SystemExit(1)", "failed: ERROR: no such cell$"),
    ("raise SystemExit(7)", "failed: exit code 7$"),
])
def test_a_tool_that_fails_says_why(text, message, tmp_path):
    with pytest.raises(ToolFailed, match=message):
        run_tool(python(text), tmp_path, "tool.log", lambda line: None)


def test_an_interruption_ends_the_tool(tmp_path):
    pids = []

    def interrupt(line):
        pids.append(int(line))
        raise KeyboardInterrupt

    program = (
        "import os, pathlib, time; print(os.getpid(), flush=True); time.sleep(600); pathlib.Path('ended').touch()"
    )
    with pytest.raises(KeyboardInterrupt):
        run_tool(python(program), tmp_path, "tool.log", interrupt)
    assert not (tmp_path / "ended").exists()  # of itself
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


def test_a_limit_ends_the_tool(tmp_path):
    program = "import pathlib, time; print('begun', flush=True); time.sleep(3600); pathlib.Path('ended').touch()"
    with pytest.raises(ToolLate, match=r" did not end in 0\.5 s$"):
        run_tool(python(program), tmp_path, "tool.log", lambda line: None, seconds=0.5)
    assert not (tmp_path / "ended").exists()
    run_tool(python("print('in time')"), tmp_path, "tool.log", lambda line: None, seconds=3600)
    assert (tmp_path / "tool.log").read_text() == "in time\n"

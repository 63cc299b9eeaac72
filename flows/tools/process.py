"""Running a tool as a process of its own, its output to a log and to whoever shows progress; it ends when we do."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["ToolFailed", "ToolLate", "run_tool"]


class ToolFailed(RuntimeError):
    """A tool ended with an error; the message has its name, what it said last, and where the log is."""


class ToolLate(ToolFailed):
    """A tool did not end within its limit, and was stopped."""


def run_tool(
    command: Sequence[str], folder: Path, log: str, on_line: Callable[[str], None], *, seconds: float | None = None
) -> None:
    """Run ``command`` in ``folder``, its output to the file ``log`` there and line by line to ``on_line``.

    The process, with what it has started itself, ends with us, also when we are interrupted, and after ``seconds``.

    Raises
    ------
    ToolFailed
        If its exit code is not 0; :class:`ToolLate` if that is because of the limit.
    """
    errors, late = [], threading.Event()
    with (
        open(folder / log, "w", encoding="utf-8") as file,
        subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        ) as process,
    ):
        def stop() -> None:
            late.set()
            with contextlib.suppress(ProcessLookupError):  # it ended by itself just now
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(seconds or 0, stop)
        if seconds is not None:
            timer.start()
        try:
            for line in process.stdout:
                file.write(line)
                if "ERROR" in line:
                    errors.append(line.strip())
                on_line(line.rstrip())
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # with what it has started itself
            raise
        finally:
            timer.cancel()
    if late.is_set():
        raise ToolLate(f"{Path(command[0]).name} did not end in {seconds:g} s")
    if process.returncode:
        said = errors[-1] if errors else f"exit code {process.returncode}"
        raise ToolFailed(f"{Path(command[0]).name} failed: {said}")

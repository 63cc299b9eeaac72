"""What a command's process does with a result, a refusal, an interrupt and a bug."""

import signal
import subprocess
import sys

import pytest

from spec.refusal import MESSAGE_LENGTH, Refused, run_command


@pytest.mark.parametrize("code", [0, 1, 2, 7])
def test_the_result_is_the_exit_code(code, capsys):
    with pytest.raises(SystemExit) as exit_info:
        run_command(lambda arguments: code)
    assert exit_info.value.code == code
    assert capsys.readouterr() == ("", "")


def test_main_gets_none_so_that_it_reads_the_command_line():
    seen = []
    with pytest.raises(SystemExit):
        run_command(lambda arguments: seen.append(arguments) or 0)
    assert seen == [None]


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (Refused("Layer stem has no mask; export it again"), 2, "error: Layer stem has no mask; export it again\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            OSError(28, "No space left on device", "build/a.bin"), 2,
            "error: Cannot read or write build/a.bin: No space left on device; check path, permissions and disk\n",
        ),
    ],
)
def test_refusals_are_one_line_without_traceback(error, code, text, capsys):
    def main(arguments):
        raise error

    with pytest.raises(SystemExit) as exit_info:
        run_command(main)
    assert exit_info.value.code == code
    assert capsys.readouterr() == ("", text)


#: A command that waits, and tidies up.
WAITS = """
import time
from spec.refusal import run_command

def main(arguments):
    try:
        print("waiting", flush=True)
        time.sleep(3600)
    finally:
        print("tidy", flush=True)

run_command(main)
"""


def test_a_command_that_is_to_end_tidies_up():
    with subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGTERM)
        assert process.communicate()[0] == "tidy\n"
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize("error", [ValueError("bug"), KeyError("bug"), RuntimeError("bug")])
def test_bugs_keep_their_traceback(error):
    def main(arguments):
        raise error

    with pytest.raises(type(error), match="bug"):
        run_command(main)


def test_a_refusal_is_a_value_error():
    assert issubclass(Refused, ValueError)


@pytest.mark.parametrize("message", ["x" * 300, "What is wrong: 'a' [/b]; mend it", "größe µ"])
def test_a_sentence_stays_as_it_is(message):
    assert str(Refused(message)) == message


@pytest.mark.parametrize(("quoted", "shown"), [
    ("\x1b[31m", r"\x1b[31m"), ("a\nb", r"a\nb"), ("\ud800", r"\ud800"), ("\u202e", r"\u202e"),
])
def test_what_it_quotes_is_text(quoted, shown):
    assert str(Refused(f"Name {quoted} is wrong; rename it")) == f"Name {shown} is wrong; rename it"


@pytest.mark.parametrize("quoted", ["x" * 301, "\x00" * 100_000, "a; b" * 1000, "\U0001f600\x07" * 200])
@pytest.mark.parametrize("remedy", ["; mend it", "; " + "r" * 190, ""])
def test_the_middle_of_what_is_long_is_left_out(quoted, remedy):
    said = str(Refused(f"Layer stem has {quoted}{remedy}"))
    assert len(said) <= MESSAGE_LENGTH
    assert said.isprintable()
    assert said.startswith("Layer stem has ")
    assert said.endswith(remedy)


def test_a_refusal_of_a_refusal_says_the_same():
    once = str(Refused("\x1b" * 5000 + "; mend it"))
    assert str(Refused(once)) == once


def test_of_a_long_path_the_end_is_said():
    """Where a test or a build happens to lie decides nothing about the rest of the sentence."""
    path = "/a/b" + "/folder" * 40 + "/model.safetensors"
    said = str(Refused(f"Model {path} has no masks, which a model has, with a ring or without; export it again"))
    assert len(said) <= MESSAGE_LENGTH
    assert said.startswith("Model /a/b")
    assert said.endswith("/model.safetensors has no masks, which a model has, with a ring or without; export it again")

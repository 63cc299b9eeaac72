"""What a command's process does with a result, a refusal, an interrupt and a bug."""

import pytest

from spec.refusal import Refused, run_command


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


@pytest.mark.parametrize("error", [ValueError("bug"), KeyError("bug"), RuntimeError("bug")])
def test_bugs_keep_their_traceback(error):
    def main(arguments):
        raise error

    with pytest.raises(type(error), match="bug"):
        run_command(main)


def test_a_refusal_is_a_value_error():
    assert issubclass(Refused, ValueError)

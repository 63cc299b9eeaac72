"""`foldenite` lists and runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from foldenite.__main__ import command_called, listing, main
from foldenite.commands import COMMANDS
from spec.refusal import Refused

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_all_commands_are_listed_one_a_line(words, capsys):
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    for command in COMMANDS:
        assert len([line for line in lines if line.split()[:1] == [command.name]]) == 1
    assert all(len(line) <= 100 for line in lines)


@pytest.mark.parametrize(("heading", "command"), [
    ("Train and deploy:", "fit"), ("Generate:", "build"), ("Studies of training:", "ablation"),
])
def test_commands_stand_under_their_heading(heading, command):
    group = listing().partition(heading)[2].partition("\n\n")[0]
    assert f"\n  {command} " in group


@pytest.mark.parametrize("called", ["build", "gen.build"])
def test_a_command_is_its_module(called, tmp_path, capsys):
    out = tmp_path / "pe16"
    assert main([called, "--pe", "16", "--out", str(out)]) == 0
    assert str(out / "foldenite.v") in capsys.readouterr().out.split()
    with pytest.raises(Refused, match=r"Option --images must be from 1 to \d+, not 0; see python -m gen\.build --help"):
        main([called, "--images", "0"])


def test_a_package_is_run_by_its_main():
    with pytest.raises(Refused, match=r"Option --jobs must be from 1 to \d+, not 0; see python -m flows\.sweep --help"):
        main(["sweep", "model.safetensors", "--jobs", "0"])


@pytest.mark.parametrize(("name", "sentence"), [
    ("biuld", "There is no command 'biuld' (did you mean build?); foldenite alone lists them all"),
    ("sim.rum", "There is no command 'sim.rum' (did you mean sim.run?); foldenite alone lists them all"),
    ("xyzzy", "There is no command 'xyzzy'; foldenite alone lists them all"),
    ("--pe", "There is no command '--pe'; foldenite alone lists them all"),
])
def test_an_unknown_command_is_told_the_nearest(name, sentence):
    with pytest.raises(Refused) as refusal:
        command_called(name)
    assert str(refusal.value) == sentence


def test_a_process_lists_without_loading_anything_large():
    program = (
        "import sys; from foldenite.__main__ import main; main([]); "
        "print(sorted({'torch', 'amaranth', 'numpy', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_process_refuses_with_2():
    done = subprocess.run(
        [sys.executable, "-m", "foldenite", "biuld"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: There is no command 'biuld' (did you mean build?); foldenite alone lists them all\n"

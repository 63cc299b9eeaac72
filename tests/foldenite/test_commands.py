"""The list of commands is what can be run, no more and no less."""

import argparse
import importlib
import re
from pathlib import Path

import pytest

from console.command import CommandParser, Named, Number, Several, Whole
from foldenite.__main__ import group_of, main
from foldenite.commands import COMMANDS, GROUPS
from spec.model import save
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from spec.topologies import residual_network

ROOT = Path(__file__).parents[2]
ROOMS = ("train", "gen", "sim", "formal", "flows", "foldenite")


def runnable():
    """Modules with a ``main`` that ``python -m`` runs, but for the one that runs the others."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if re.search(r"^def main\(", path.read_text(), re.MULTILINE):
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__main__")


def test_every_command_is_listed_and_every_listed_one_is_there():
    assert sorted(set(runnable()) - {"foldenite"}) == sorted(command.module for command in COMMANDS)


@pytest.mark.parametrize("what", ["name", "module", "summary"])
def test_nothing_is_listed_twice(what):
    values = [getattr(command, what) for command in COMMANDS]
    assert len(set(values)) == len(values)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_lines_are_lines(command):
    assert re.fullmatch(r"[a-z-]+", command.name)
    assert 10 < len(command.summary) < 80
    assert command.summary[-1] != "."
    assert group_of(command) in GROUPS


def parser_of(command):
    module = importlib.import_module(command.module)
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{command.module}.__main__")
    return module.parser()


def actions_of(parser):
    """All options and arguments, those of subcommands too."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from actions_of(below)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_options_follow_the_conventions(command):
    """Each has help, numbers have a range of their own, and what all commands have is spelled alike."""
    parser = parser_of(command)
    assert isinstance(parser, CommandParser)
    assert parser.prog == f"python -m {command.module}"
    for action in actions_of(parser):
        assert action.help, action.dest
        assert action.type not in (int, float), f"--{action.dest} needs console.command.Whole or Number"
        if action.dest == "json":
            assert action.nargs == 0, "--json is a flag"
        if action.dest in ("seed", "images", "pe", "baud"):
            assert "default" in action.help, action.dest
        if action.dest == "model":
            assert action.required == (not action.option_strings)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    network = residual_network("net", image=(4, 4, 1), classes=3, widths=(4,), iterations=(2,))
    return str(save(synthetic_model(network, seed=1), tmp_path_factory.mktemp("model") / "net.safetensors"))


@pytest.mark.parametrize("words", [
    ["build"], ["bitstream"], ["run", "MODEL"], ["fuzz"], ["networks"], ["synth"], ["sweep", "MODEL"], ["bench"],
    ["board", "MODEL", "--port", "nowhere"], ["fit"], ["ablation"], ["compare", "ideas"],
], ids=lambda words: words[0])
def test_a_file_where_a_folder_is_meant_is_refused(words, model, tmp_path):
    (tmp_path / "here").write_text("kept")
    with pytest.raises(Refused, match=r"^Output \S+/here is a file; give a folder with --out$"):
        main([model if word == "MODEL" else word for word in words] + ["--out", str(tmp_path / "here")])
    assert (tmp_path / "here").read_text() == "kept"


@pytest.mark.parametrize("words", [
    ["synthetic", "resnet18"], ["onnx", "MODEL"], ["waves", "MODEL"], ["report", "BUILD"],
    ["sizes"], ["step-cost"], ["stretch"],
], ids=lambda words: words[0])
def test_a_folder_where_a_file_is_meant_is_refused(words, model, tmp_path):
    with pytest.raises(Refused, match=r"^Output \S+ is a folder; name a file to write, such as one in it$"):
        main([model if word == "MODEL" else word for word in words] + ["--out", str(tmp_path)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_number_has_both_limits(command):
    for action in actions_of(parser_of(command)):
        kind = action.type.kind if isinstance(action.type, Several | Named) else action.type
        if isinstance(kind, Whole):
            assert None not in (kind.least, kind.most), action.option_strings
        if isinstance(kind, Number):
            assert {kind.above, kind.least} != {None}, action.option_strings
            assert {kind.below, kind.most} != {None}, action.option_strings
        assert kind not in (int, float), action.option_strings

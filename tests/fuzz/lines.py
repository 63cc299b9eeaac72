"""Command lines: every option of every command, with values at the edges of its range and beyond."""

import argparse
import importlib
import os
import random
from collections.abc import Callable
from pathlib import Path

from console.command import CommandParser, Named, Number, Several, Whole
from foldenite.commands import COMMANDS
from gen import board, synthetic
from gen.options import config_from
from spec.model import load, save
from tests.fuzz.models import small_models
from tests.fuzz.worker import Make
from train.loop.settings import settings_from

__all__ = ["command_lines", "leaves"]

#: What any option may be given.
_WORDS = (
    "", " ", "0", "-1", "1", "2", "3", "4", "16", "2147483648", "9223372036854775808", str(2**64), "9" * 5000, "-0",
    "1.5", "nan", "inf", "-inf", "1e308", "1e-320", "1e999", "1e999999999", "0x10", "1_000", "\u0663", "1/0", "1/3",
    "100/3", ",", "1,2,3", "1,,2", ",".join(["1"] * 2000), "1x1", "24x40", "a=1", "a=1,b=nan", "=", "a=",
    "stage2.fold=3", "x", "any", "1of4,2of4", "masks,ring", "x" * 3000, "[/b]", "\x1b[31m", "a\nb", "\udc80", "..",
    "/dev/full", "/dev/null/x", "--", "-h", "resnet18", "resnet18-rpg", "ecp5",
)

#: Commands that are run as a whole, because they take no longer than reading their files.
_RUN = ("gen.check", "gen.onnx", "train.predict")


def leaves(parser: CommandParser) -> list[tuple[tuple[str, ...], CommandParser]]:
    """The parser, or those of its subcommands, each with the words that lead to it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return [((name, *words), leaf) for name, one in action.choices.items() for words, leaf in leaves(one)]
    return [((), parser)]


def _numbers(kind: Whole | Number) -> list[str]:
    """The ends of a range, and what is next to them."""
    if isinstance(kind, Whole):
        return [str(end + step) for end in (kind.least, kind.most) if end is not None for step in (-1, 0, 1)]
    ends = [end for end in (kind.above, kind.least, kind.below, kind.most) if end is not None]
    return [repr(end + step) for end in ends for step in (-1e-9, 0, 1e-9)]


def _value(action: argparse.Action, rng: random.Random) -> str:
    kind = action.type.kind if isinstance(action.type, Several | Named) else action.type
    if rng.random() < 0.5 and isinstance(kind, Whole | Number):
        values = _numbers(kind)
        count = rng.choice((1, 1, 2, 3)) if isinstance(action.type, Several) else 1
        separator = getattr(action.type, "separator", ",")
        return separator.join(rng.choice(values) for _ in range(count))
    if rng.random() < 0.5 and action.choices:
        return str(rng.choice(list(action.choices)))
    return rng.choice(_WORDS)


def _line(words: tuple[str, ...], parser: CommandParser, model: Path, rng: random.Random) -> list[str]:
    """A command line with one to four options, positionals and what is required."""
    actions = [action for action in parser._actions if action.dest != "help"]
    optional = [action for action in actions if action.option_strings]
    line = list(words)
    for action in actions:
        if not action.option_strings and rng.random() < 0.95:
            usual = "resnet18" if action.dest == "network" else str(model)
            line.append(usual if rng.random() < 0.9 else rng.choice(_WORDS))
        elif action.option_strings and action.required and rng.random() < 0.9:
            line += [action.option_strings[-1], str(model)]
    for action in rng.sample(optional, min(len(optional), rng.choice((1, 1, 2, 4)))):
        name = rng.choice(action.option_strings)
        if action.nargs == 0:
            line.append(name)
        elif rng.random() < 0.5:
            line.append(f"{name}={_value(action, rng)}")
        else:
            line += [name, _value(action, rng)]
    return line


def _settle(module: str, main: Callable, parser: CommandParser, line: list[str], model: Path) -> None:
    """Read ``line`` and go as far as the command does before it works."""
    arguments = parser.parse_args(line)
    given = vars(arguments)
    if given.get("recipe") is not None and "epochs" in {action.dest for action in parser._actions}:
        settings = settings_from(arguments)
        if settings.model.residual:
            settings.model.topology("fuzz", (32, 32, 3), 10)
    if "psum_depth" in given:
        config_from(arguments, load(model).network if given["fit"] else None)
    if module == synthetic.__name__:
        synthetic.network_of(arguments)
    if module == board.__name__:
        board.divider_for(arguments.clock_mhz, arguments.baud)
    if module in _RUN:
        main([*line, "--out", str(model.with_suffix(".onnx"))] if module == "gen.onnx" else line)


def command_lines(folder: Path) -> Make:
    """Lines for every command there is; where it is quick, the command runs."""
    model = save(small_models()[0], folder / "model.safetensors")
    commands = []
    for command in COMMANDS:
        module = importlib.import_module(command.module)
        if hasattr(module, "__path__"):
            module = importlib.import_module(f"{command.module}.__main__")
        commands += [(command.module, module, words, leaf) for words, leaf in leaves(module.parser())]
    os.chdir(folder)  # Relative outputs stay there.

    def make(rng: random.Random) -> Callable[[], object]:
        module, code, words, leaf = rng.choice(commands)
        line = _line(words, leaf, model, rng)
        return lambda: _settle(module, code.main, code.parser(), line, model)

    return make

"""The command line: options that every command spells alike, and a usage error that is one sentence.

    parser = CommandParser(prog="python -m gen.check", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Whole(1), default=10, help="images to run (default 10)")
    add_out(parser, "folder to write (default build/check)")
"""

import argparse
import difflib
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from spec.refusal import Refused

__all__ = ["CommandParser", "Named", "Number", "Several", "Whole", "add_json", "add_out", "add_seed"]


#: Largest seed: what every generator takes.
_SEEDS = (1 << 32) - 1

#: Where options keep paths of what is written. All other paths are of what is read.
_WRITTEN = ("out", "page", "saif")


@dataclass(frozen=True)
class Whole:
    """Type of an option that takes a whole number from ``least`` to ``most``, both included."""

    least: int | None = None
    most: int | None = None

    def __call__(self, text: str) -> int:
        """``text`` as a number; argparse's error if it is none or out of range."""
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a whole number, not {text!r}") from None
        low, high = self.least is None or value >= self.least, self.most is None or value <= self.most
        if not (low and high):
            limits = f"at least {self.least}" if self.most is None else f"at most {self.most}"
            if None not in (self.least, self.most):
                limits = f"from {self.least} to {self.most}"
            raise argparse.ArgumentTypeError(f"must be {limits}, not {value}")
        return value

    def __str__(self) -> str:
        """The range, as help shows it."""
        if self.least is None:
            return "a whole number" if self.most is None else f"at most {self.most}"
        return f"{self.least} or more" if self.most is None else f"{self.least} to {self.most}"


@dataclass(frozen=True)
class Number:
    """Type of an option that takes a finite number, ``above`` or from ``least``, ``below`` or to ``most``."""

    above: float | None = None
    least: float | None = None
    below: float | None = None
    most: float | None = None

    def __call__(self, text: str) -> float:
        """``text`` as a number; argparse's error if it is none, infinite, no number or out of range."""
        try:
            value = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be a number, not {text!r}") from None
        low = (self.above is None or value > self.above) and (self.least is None or value >= self.least)
        high = (self.below is None or value < self.below) and (self.most is None or value <= self.most)
        if not (math.isfinite(value) and low and high):
            raise argparse.ArgumentTypeError(f"must be {self}, not {text}")
        return value

    def __str__(self) -> str:
        """The range, as help shows it."""
        names = {"more than": self.above, "at least": self.least, "less than": self.below, "at most": self.most}
        limits = [f"{name} {limit:g}" for name, limit in names.items() if limit is not None]
        return " and ".join(limits) or "a finite number"


@dataclass(frozen=True)
class Several:
    """Type of an option that takes one ``kind`` after another with commas, as in ``16,32,64``, or another separator;
    nothing is none.
    """

    kind: Whole | Number | type[str]
    separator: str = ","

    def __call__(self, text: str) -> tuple:
        """``text`` as a tuple; argparse's error where one of them is refused."""
        try:
            return tuple(self.kind(part) for part in text.split(self.separator) if text)
        except argparse.ArgumentTypeError:
            between = "commas" if self.separator == "," else f"{self.separator!r}"
            raise argparse.ArgumentTypeError(
                f"must be numbers with {between}, {self.kind} each, not {text!r}"
            ) from None

    def __str__(self) -> str:
        """The range, as help shows it."""
        return f"{self.kind} each"


@dataclass(frozen=True)
class Named:
    """Type of an option that takes values by name, a ``kind`` each, as in ``stem=1.0,classifier=0.5``."""

    kind: Whole | Number

    def __call__(self, text: str) -> dict:
        """``text`` as values by name; argparse's error where one is refused."""
        try:
            return {name: self.kind(value) for name, value in (part.split("=") for part in text.split(","))}
        except ValueError:
            raise argparse.ArgumentTypeError(f"must be names and values, as in a=1,b=2, not {text!r}") from None

    def __str__(self) -> str:
        """The range, as help shows it."""
        return f"{self.kind} each"


class _Help(argparse.HelpFormatter):
    """Help that ends with the range of what takes a number in one; where there is none, the help itself says more."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        kind = action.type.kind if isinstance(action.type, Several | Named) else action.type
        limited = isinstance(kind, (Whole, Number)) and kind not in (Whole(), Number())
        return f"{action.help} [{action.type}]" if limited else action.help


class CommandParser(argparse.ArgumentParser):
    """An argument parser whose usage errors are :class:`Refused`: one sentence, and where to read more.

    A mistyped option is told the nearest that there is. Subcommands get parsers of this class, too.
    """

    def __init__(self, **settings):
        super().__init__(**{"formatter_class": _Help, "allow_abbrev": False} | settings)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line, for argparse's reason ``message``.

        Raises
        ------
        Refused
            Always; :func:`spec.refusal.run_command` prints it and exits with 2.
        """
        sentence = re.sub(r"^argument (?:\S+/)?(-\S+): ", r"Option \1 ", message)
        sentence = re.sub(r"^argument (\S+): ", r"Argument \1 ", sentence)
        if chosen := re.match(r"(.*)invalid choice: (.*) \(choose from (.*)\)$", sentence):
            offered = chosen[3].replace("'", "")
            sentence = f"{chosen[1]}must be one of {offered}, not {chosen[2]}"
        raise Refused(f"{sentence[0].upper()}{sentence[1:]}{self._nearest(message)}; see {self.prog} --help")

    def parse_args(self, args=None, namespace=None) -> argparse.Namespace:
        """As of argparse; refused, too, if an option would write over a file that another one reads."""
        arguments = super().parse_args(args, namespace)
        for action in self._actions:
            if action.dest in _WRITTEN:
                self._check_kept(action.option_strings[-1], getattr(arguments, action.dest), vars(arguments))
        return arguments

    def _check_kept(self, option: str, out: Path | None, given: dict) -> None:
        if not isinstance(out, Path) or not out.is_file():
            return
        for name, values in given.items():
            for path in values if isinstance(values, list | tuple) else (values,):
                if name not in _WRITTEN and isinstance(path, Path) and path.is_file() and path.samefile(out):
                    raise Refused(f"Option {option} {out} is a file to read, which would be lost; name another file")

    def _get_values(self, action: argparse.Action, arg_strings: list[str]):
        # argparse drops a lone -- and then takes nothing for the value, whatever the option's type.
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            raise argparse.ArgumentError(action, "expected one argument")
        return super()._get_values(action, arg_strings)

    def _nearest(self, message: str) -> str:
        """Which option was meant, if ``message`` says that there is no such one and one is near."""
        unknown = re.match(r"unrecognized arguments: (--[^\s=]+)", message)
        offered = [name for action in self._actions for name in action.option_strings]
        near = difflib.get_close_matches(unknown[1], offered, 1) if unknown else []
        return f" (did you mean {near[0]}?)" if near else ""


def add_seed(parser: argparse.ArgumentParser, of: str, default: int = 1) -> None:
    """Add ``--seed``: what is drawn from it, ``of``."""
    parser.add_argument("--seed", type=Whole(0, _SEEDS), default=default, help=f"seed {of} (default {default})")


def add_out(parser: argparse.ArgumentParser, meaning: str, default: Path | None = None) -> None:
    """Add ``--out``, a path; ``meaning`` says whether it is a file or a folder, and the default."""
    parser.add_argument("--out", type=Path, default=default, help=meaning)


def add_json(parser: argparse.ArgumentParser, what: str = "the result") -> None:
    """Add the flag ``--json``: print ``what`` as JSON, and nothing else, on standard output."""
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON on standard output")

"""The model zoo: trained networks that deploy, each made by two commands that anyone can run again.

    python -m train.zoo --data DIR                     # all of it: an hour or two of one CPU core
    python -m train.zoo fashion-1of4 --data DIR --out build/zoo
    python -m train.zoo --cards                        # write the cards of the models that are there again

``zoo/zoo.toml`` lists the commands. A training run that was interrupted goes on, a finished one is not repeated. Beside
every model file lie its vectors and its card, and ``README.md`` lists them all (:mod:`train.deploy.cards`).
"""

import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.command import CommandParser, add_out
from spec.files import output_folder, write_text
from spec.model import load
from spec.refusal import Refused, run_command
from train.deploy.cards import Card, index_text
from train.fit import CHECKPOINT

__all__ = ["ZOO", "Entry", "main", "parser", "read_zoo", "write_cards"]

ZOO = Path(__file__).resolve().parent.parent / "zoo"
LIST = "zoo.toml"


@dataclass(frozen=True)
class Entry:
    """A model of the zoo.

    Parameters
    ----------
    name : str
        Of its files.
    title : str
    accuracy : float
        The least that its integers must reach on all held-out images.
    commands : tuple of str
        Modules with their options, in which ``{data}``, ``{work}`` and ``{model}`` stand for paths.
    """

    name: str
    title: str
    accuracy: float
    commands: tuple[str, ...]

    def lines(self, data: Path, work: Path, out: Path) -> list[list[str]]:
        """The commands in words, for training in ``work/NAME`` and a model in ``out``."""
        places = {"data": data, "work": work / self.name, "model": self.model_in(out)}
        return [[word.format(**places) for word in command.split()] for command in self.commands]

    def model_in(self, folder: Path) -> Path:
        """Its model file in ``folder``."""
        return folder / f"{self.name}.safetensors"

    def card_in(self, folder: Path) -> Path:
        """Its card in ``folder``."""
        return folder / f"{self.name}.md"


def read_zoo(path: Path) -> tuple[Entry, ...]:
    """The models that the TOML file ``path`` lists.

    Raises
    ------
    Refused
        If it cannot be read, or an entry has other keys than :class:`Entry` has parameters.
    """
    try:
        listed = tomllib.loads(path.read_text())["model"]
        return tuple(Entry(**entry | {"commands": tuple(entry["commands"])}) for entry in listed)
    except (OSError, KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise Refused(
            f"List {path} is no TOML file with [[model]] entries of name, title, accuracy and commands: {error!r}"
        ) from None


def make(entry: Entry, data: Path, work: Path, out: Path) -> None:
    """Train and export ``entry``; training that was interrupted goes on.

    Raises
    ------
    Refused
        If one of its commands fails, which has then said why.
    """
    for module, *options in entry.lines(data, work, out):
        if module == "train.fit" and (work / entry.name / CHECKPOINT).is_file():
            options.append("--resume")
        if subprocess.run([sys.executable, "-m", module, *options], check=False).returncode:
            raise Refused(f"Model {entry.name} was not made: python -m {module} failed, see above")


def write_cards(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """Write the card of every model in ``folder``, and the index; return their paths."""
    cards = [
        (entry, Card(entry.name, entry.title, entry.lines(Path("DIR"), Path("build/zoo"), Path("zoo")),
                     load(entry.model_in(folder)), entry.model_in(folder).stat().st_size))
        for entry in entries if entry.model_in(folder).is_file()
    ]
    written = [write_text(entry.card_in(folder), card.text()) for entry, card in cards]
    return [*written, write_text(folder / "README.md", index_text([card for _, card in cards]))]


def _chosen(entries: Sequence[Entry], names: Sequence[str]) -> list[Entry]:
    unknown = set(names) - {entry.name for entry in entries}
    if unknown:
        known = ", ".join(entry.name for entry in entries)
        raise Refused(f"The zoo has no model {sorted(unknown)[0]!r}; its models are {known}")
    return [entry for entry in entries if not names or entry.name in names]


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.zoo", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("names", nargs="*", metavar="NAME", help="models (default: all)")
    add("--list", type=Path, default=ZOO / LIST, help=f"the zoo's models (default zoo/{LIST})")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add("--work", type=Path, default=Path("build/zoo"), help="folder of training runs (default build/zoo)")
    add_out(made, "folder of models and cards (default zoo)", ZOO)
    add("--cards", action="store_true", help="only write the cards of the models in --out")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    entries = read_zoo(arguments.list)
    for entry in _chosen(entries, arguments.names):
        if not arguments.cards:
            make(entry, arguments.data, arguments.work, output_folder(arguments.out))
    for path in write_cards(entries, arguments.out):
        print(path)
    return 0


if __name__ == "__main__":
    run_command(main)

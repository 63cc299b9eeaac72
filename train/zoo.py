"""The model zoo: trained networks that deploy, each made by two commands that anyone can run again.

    python -m train.zoo --data DIR                     # all of it: an hour or two of one CPU core
    python -m train.zoo fashion-1of4 --data DIR --out build/zoo
    python -m train.zoo --cards                        # write the cards of the models that are there again
    python -m train.zoo --list zoo/gpu.toml --minutes 9 --data DIR --out build/gpu    # all of them in nine minutes

``zoo/zoo.toml`` lists the commands. A training run that was interrupted goes on, a finished one is not repeated; with
``--overwrite`` they begin anew. With ``--minutes`` they do so, too, for as many epochs as the time holds
(:mod:`train.minutes`), and what is there is lost only with ``--overwrite``. Beside every model file lie its vectors and
its card, and ``README.md`` lists them all (:mod:`train.deploy.cards`). A file of 16 MiB or more is not kept.
"""

import argparse
import contextlib
import dataclasses
import gc
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from console.command import CommandParser, Number, add_out
from console.screen import screen
from spec.documents import read_toml
from spec.fields import checked
from spec.files import output_folder, write_bytes, write_text
from spec.model import load
from spec.names import check_name
from spec.refusal import Refused, run_command
from train.deploy.cards import Card, index_text
from train.deploy.file_limit import check_sizes
from train.fit import CHECKPOINT
from train.loop.recipe import Recipe
from train.minutes import length_options, look_at, plan, start_seconds, table_of

__all__ = ["ZOO", "Entry", "main", "make", "make_in", "parser", "read_zoo", "refuse_loss", "write_cards"]

#: Commands that write a checkpoint.
_TRAINING = ("train.fit", "train.finetune")

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
    share : float
        Of the time that ``--minutes`` gives, against the shares of the other models.
    """

    name: str
    title: str
    accuracy: float
    commands: tuple[str, ...]
    share: float = 1.0

    def lines(self, data: Path, work: Path, out: Path) -> list[list[str]]:
        """The commands in words, for training in ``work/NAME`` and a model in ``out``."""
        places = {"{data}": data, "{work}": work / self.name, "{model}": self.model_in(out)}

        def placed(word: str) -> str:
            for name, place in places.items():
                word = word.replace(name, str(place))
            return word

        return [[placed(word) for word in command.split()] for command in self.commands]

    def of_length(self, recipe: Recipe, epochs: int) -> "Entry":
        """The same entry trained for so many epochs; ``recipe`` is what its ``train.fit``, the first command, says."""
        training, *others = self.commands
        return dataclasses.replace(self, commands=(" ".join([training, *length_options(recipe, epochs)]), *others))

    def model_in(self, folder: Path) -> Path:
        """Its model file in ``folder``."""
        return folder / f"{self.name}.safetensors"

    def card_in(self, folder: Path) -> Path:
        """Its card in ``folder``."""
        return folder / f"{self.name}.md"

    def picture_in(self, folder: Path) -> Path:
        """What it does, drawn, in ``folder``: only some commands draw it."""
        return folder / f"{self.name}.svg"


def read_zoo(path: Path) -> tuple[Entry, ...]:
    """The models that the TOML file ``path`` lists.

    Raises
    ------
    Refused
        If it cannot be read, or an entry has other keys than :class:`Entry` has parameters, or impossible values.
    """
    listed = read_toml(path, "List", "take the zoo's as a pattern").get("model")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise Refused(f"List {path} is no TOML file with [[model]] entries of name, title, accuracy and commands")
    return tuple(_entry(entry, f"model {entry.get('name')!s:.40} in {path}") for entry in listed)


def _entry(listed: dict, where: str) -> Entry:
    values = checked({"share": 1.0} | listed, Entry, where)
    check_name(values["name"], f"The {where}")
    commands = values["commands"]
    if not isinstance(commands, list) or not all(isinstance(c, str) and c.startswith("train.") for c in commands):
        raise Refused(f"Key {where}.commands must be texts that begin with a module of train, not {commands!r}")
    if not 0 < values["share"] < math.inf:
        raise Refused(f"Key share of {where} must be a number above 0, not {values['share']!r}")
    return Entry(**values | {"commands": tuple(commands)})


def make(entry: Entry, data: Path, work: Path, out: Path, *, anew: bool = False) -> None:
    """Train and export ``entry``; training that was interrupted goes on, unless it begins ``anew``.

    What is exported is in ``work`` until it is known that all of it can be kept.

    Raises
    ------
    Refused
        If one of its commands fails, which has then said why, or a file is too large.
    """
    exported = work / entry.name / "export"
    for module, *options in entry.lines(data, work, exported):
        if module in _TRAINING and (_out_of(options) / CHECKPOINT).exists():
            options.append("--overwrite" if anew else "--resume")
        if subprocess.run([sys.executable, "-m", module, *options], check=False).returncode:
            raise Refused(f"Model {entry.name} was not made: python -m {module} failed, see above")
    files = sorted(exported.iterdir(), reverse=True)  # The model last: where it is, everything is.
    check_sizes(entry.name, {path: path.stat().st_size for path in files})
    for path in files:
        print(write_bytes(out / path.name, path.read_bytes()), flush=True)
        path.unlink()


def _out_of(options: Sequence[str]) -> Path:
    """What ``--out`` says among ``options``."""
    only = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    only.add_argument("--out", type=Path, default=Path())
    return only.parse_known_args(options)[0].out


def refuse_loss(entries: Sequence[Entry], work: Path, out: Path) -> None:
    """Refuse to make ``entries`` anew where checkpoints in ``work`` or models in ``out`` would be lost.

    Raises
    ------
    Refused
        Naming the first.
    """
    for entry in entries:
        for path in (work / entry.name / CHECKPOINT, entry.model_in(out)):
            if path.exists():
                raise Refused(
                    f"File {path} is there, and would be lost: with --minutes all models are made anew; give "
                    "--overwrite, or other folders with --work and --out"
                )


def make_in(entries: Sequence[Entry], data: Path, work: Path, out: Path, minutes: float) -> list[Entry]:
    """Make all ``entries`` in ``minutes``; returns them with the epochs that they were given.

    What the first ones take less or more is the gain or loss of the last. Cards are written after each.

    Raises
    ------
    Refused
        If the time does not hold an epoch of each, or a file would be too large: before anything is trained.
    """
    begun, start = time.monotonic(), start_seconds()
    deadline = begun - start + 60 * minutes  # This command had to start, too.
    jobs = []
    for entry in entries:
        jobs.append(look_at(entry.name, entry.share, entry.lines(data, work, out), minutes / 6, start))
        check_sizes(entry.name, jobs[-1].sizes)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # What makes the models are processes of their own.
    epochs = plan(jobs, deadline - time.monotonic())
    screen().print(table_of(jobs, epochs))
    made: list[Entry] = []
    for number, (entry, job) in enumerate(zip(entries, jobs, strict=True)):
        left = deadline - time.monotonic()
        with contextlib.suppress(Refused):  # What was promised is kept, be it late.
            epochs[number:] = plan(jobs[number:], left)
        print(f"{entry.name}: {epochs[number]} epochs, {left:.0f} s left for it and what follows", flush=True)
        made.append(entry.of_length(job.recipe, epochs[number]))
        make(made[-1], data, work, out, anew=True)
        write_cards(made, out)
    return made


def write_cards(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """Write the card of every model in ``folder``, and the index; return their paths."""
    cards = [
        (entry, Card(entry.name, entry.title, entry.lines(Path("DIR"), Path("build/zoo"), Path("zoo")),
                     load(entry.model_in(folder)), entry.model_in(folder).stat().st_size,
                     entry.picture_in(folder).name if entry.picture_in(folder).is_file() else None))
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
    add("--minutes", type=Number(above=0, most=100_000),
        help="train all models anew, for as many epochs as so many minutes hold")
    add("--overwrite", action="store_true", help="train anew, and replace checkpoints and models that are there")
    add("--cards", action="store_true", help="only write the cards of the models in --out")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    entries = read_zoo(arguments.list)
    chosen = _chosen(entries, arguments.names)
    if arguments.minutes is not None and not arguments.cards:
        if not arguments.overwrite:
            refuse_loss(chosen, arguments.work, arguments.out)
        entries = make_in(chosen, arguments.data, arguments.work, output_folder(arguments.out), arguments.minutes)
    elif not arguments.cards:
        for entry in chosen:
            make(entry, arguments.data, arguments.work, output_folder(arguments.out), anew=arguments.overwrite)
    for path in write_cards(entries, arguments.out):
        print(path)
    return 0


if __name__ == "__main__":
    run_command(main)

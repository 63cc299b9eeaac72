"""Variants of one training, side by side: options, cells, table and result that the studies have in common."""

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from rich.table import Table

from console.command import CommandParser, Several, Whole, add_json, add_out
from console.record import json_text
from console.screen import screen
from console.settings import set_usual
from spec.files import output_folder, write_text
from spec.refusal import Refused
from train.data import Dataset
from train.loop.settings import Settings, add_settings_options, settings_from
from train.nets.addressing import Addressing
from train.nets.repeated import Sharing
from train.nets.ring_plan import Scope
from train.studies.cells import Cell, run_cells

__all__ = [
    "DRAWN", "VANILLA", "accuracies_of", "cells_of", "compared", "judged_by", "mean_and_deviation", "own_parser",
    "publish", "ring_parser", "run_variants", "seeds_of", "settings_of", "study_parser",
]

#: The same network with all its weights free.
VANILLA: Mapping[str, object] = {"dof": 0, "sharing": Sharing.UNSHARED, "scope": Scope.GLOBAL}

#: What the seeds of a study of rings draw: values and the order of images, and permutations, flips and first weights.
DRAWN = ("seed", "net_seed")


def study_parser(
    name: str, description: str, recipe: str, seeds: Sequence[int] = (0,), jobs: bool = True
) -> CommandParser:
    """Parser of ``python -m train.studies.NAME``: the options of training, and those of a study, whose runs may be
    ``jobs`` beside each other.
    """
    made = CommandParser(prog=f"python -m train.studies.{name}", description=description)
    add_settings_options(made, recipe)
    group = _add_study_options(made, name, seeds)
    if jobs:
        group.add_argument("--jobs", type=Whole(1, 1024), default=1,
                           help="runs at a time, a process each if more than one (default 1)")
    return made


def own_parser(name: str, description: str, recipe: str, seeds: Sequence[int] = (0,)) -> CommandParser:
    """That of a study whose networks are its own: what is said of data and training, and no more."""
    made = CommandParser(prog=f"python -m train.studies.{name}", description=description)
    add_settings_options(made, recipe, ("data", "training"))
    _add_study_options(made, name, seeds)
    return made


def _add_study_options(made: CommandParser, name: str, seeds: Sequence[int]) -> argparse._ArgumentGroup:
    """Add what every study takes, and return the group it is in."""
    group, out = made.add_argument_group("study"), Path("build/studies") / name
    add = group.add_argument
    usual = ",".join(map(str, seeds))
    add("--seeds", type=Several(Whole(0, (1 << 31) - 1)), default=tuple(seeds),
        help=f"runs of each variant (default {usual})")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add("--device", default="auto", choices=("auto", "cpu", "cuda"), help="default: a GPU where there is one")
    add_out(group, f"folder of runs and result (default {out})", out)
    add_json(group)
    return group


def ring_parser(
    name: str, description: str, *, dof: int, addressing: Addressing = Addressing.ELEMENT, jobs: bool = True
) -> CommandParser:
    """That of a study of rings: by default a few minutes of one CPU."""
    made = study_parser(name, description, "ring-minute", jobs=jobs)
    set_usual(made, dof=dof, addressing=str(addressing))
    return made


def settings_of(arguments: argparse.Namespace, changes: Mapping[str, object], seed: int, drawn=DRAWN) -> Settings:
    """Settings of one run: those of ``arguments`` with ``changes``, and ``seed`` as the seed of all that is ``drawn``.
    """
    return settings_from(argparse.Namespace(**vars(arguments) | dict.fromkeys(drawn, seed) | changes))


def seeds_of(arguments: argparse.Namespace) -> tuple[int, ...]:
    """The seeds of a study, each once.

    Raises
    ------
    Refused
        If there are none, or a single one is given as that of training.
    """
    if hasattr(arguments, "seed"):
        raise Refused("Option --seed is one seed, but a study takes several; give --seeds")
    if not arguments.seeds:
        raise Refused("Give at least one of --seeds")
    return tuple(dict.fromkeys(arguments.seeds))


def cells_of(
    variants: Mapping[str, Mapping], arguments: argparse.Namespace,
    offsets: Mapping[str, tuple[int, ...]] = MappingProxyType({}), drawn: Sequence[str] = DRAWN,
) -> dict[str, list[Cell]]:
    """Cells of every variant, which says what changes, one for each seed; ``offsets`` are of the variants' cells.

    Raises
    ------
    Refused
        If there are no seeds, or a single one is given as that of training.
    """
    seeds = seeds_of(arguments)
    output_folder(arguments.out)
    return {
        name: [
            Cell(f"{name}-{seed}", settings_of(arguments, changes, seed, drawn), offsets.get(name, ()))
            for seed in seeds
        ]
        for name, changes in variants.items()
    }


def judged_by(settings: Settings, data: Path, most: int | None = None) -> Dataset:
    """What ``settings`` train on, judged by the test set or the validation set: all of it, or ``most`` images at most.

    Raises
    ------
    Refused
        As loading does.
    """
    dataset = settings.load(data)
    if settings.validation:
        dataset = dataset.with_validation(settings.validation, settings.seed)
    return dataclasses.replace(dataset, test_images=dataset.test_images[:most], test_labels=dataset.test_labels[:most])


def run_variants(groups: Mapping[str, Sequence[Cell]], dataset: Dataset, arguments: argparse.Namespace) -> dict:
    """Results of all cells of each variant, by its name."""
    cells = [cell for group in groups.values() for cell in group]
    found = run_cells(cells, dataset, arguments.out, arguments.jobs, arguments.device)
    return {name: [found[cell.name] for cell in group] for name, group in groups.items()}


def accuracies_of(variants: Mapping[str, Mapping], arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Held-out accuracy of every variant after training, by seed."""
    groups = cells_of(variants, arguments)
    found = run_variants(groups, next(iter(groups.values()))[0].settings.load(arguments.data), arguments)
    return {name: [result["accuracy"] for result in results] for name, results in found.items()}


def compared(variants: Mapping[str, Mapping], arguments: argparse.Namespace, heading: str) -> int:
    """Train all variants and publish their accuracies, a row each below ``heading``."""
    accuracies = accuracies_of(variants, arguments)
    table = Table(heading, "accuracy, %", show_edge=False)
    for name, values in accuracies.items():
        table.add_row(name, mean_and_deviation(values))
    return publish(arguments, {"accuracies": accuracies}, table)


def publish(
    arguments: argparse.Namespace, result: dict, table: Table, *further: Path, file: str = "result.json"
) -> int:
    """Write ``file`` into ``--out``; print ``table`` (or the result as JSON) and the paths of what was written.

    The result says by which options it was made.
    """
    options = {name: str(value) if isinstance(value, Path) else value for name, value in vars(arguments).items()}
    text = json_text(result | {"command": options})
    path = write_text(arguments.out / file, text)
    if arguments.json:
        print(text, end="")
        return 0
    console = screen()
    console.width = max(console.width, 120)
    console.print(table)
    for written in (path, *further):
        print(written)
    return 0


def mean_and_deviation(values: Sequence[float]) -> str:
    """``mean +- standard deviation`` in percent; the deviation (of a sample) from two values on."""
    mean = f"{100 * np.mean(values):.2f}"
    return f"{mean} +- {100 * np.std(values, ddof=1):.2f}" if len(values) > 1 else mean

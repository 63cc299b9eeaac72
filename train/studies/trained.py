"""Networks that no recipe describes, trained as the others are: by a recipe, with a result that is kept."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import torch
from torch import nn

from console.kept import kept_record
from console.progress import progress_bars
from train.data import Dataset
from train.loop.existing import versions
from train.loop.processes import Processes
from train.loop.settings import Settings
from train.loop.trainer import Run, Trainer

__all__ = ["OwnRun", "kept_row", "kept_runs", "train_on"]


class OwnRun(Protocol):
    """A run with data and a loop of its own: a dataclass with a ``name``, equal if its result is."""

    name: str

    def run(self, data, device: torch.device, advance: Callable[[], object]) -> dict:
        """Its result as plain JSON; ``advance`` is called after every epoch."""


def kept_runs(
    cells: Sequence[OwnRun], data, digest: str, epochs: int, device: torch.device, out: Path
) -> dict[OwnRun, dict]:
    """Results of ``cells`` of ``epochs`` each on ``data``, whose SHA-256 is ``digest``: one after the other, each kept
    in ``OUT/cells/NAME/cell.json``.
    """
    found = {}
    with progress_bars(transient=True) as progress:
        task = progress.add_task("epochs", total=len(cells) * epochs)
        for number, cell in enumerate(cells, 1):
            progress.update(task, description=f"cell {number} of {len(cells)}, {cell.name}: epochs")
            key = dataclasses.asdict(cell) | {"versions": versions(), "device": device.type, "dataset_sha256": digest}
            found[cell] = kept_record(
                out / "cells" / cell.name / "cell.json", json.loads(json.dumps(key)),
                lambda cell=cell: cell.run(data, device, lambda: progress.advance(task)),
            )
            progress.update(task, completed=number * epochs)
    return found


def train_on(
    model: nn.Module, settings: Settings, dataset: Dataset, processes: Processes, label: str, *, length: float = 1.0,
    rate: float = 1.0,
) -> float:
    """Train ``model`` by the recipe of ``settings``, in ``length`` times its epochs and at ``rate`` times its learning
    rate; its held-out accuracy. It is left in evaluation mode.
    """
    torch.set_num_threads(1)
    recipe = settings.recipe
    if length != 1.0:
        recipe = recipe.of_length(max(1, round(length * recipe.epochs)))
    recipe = dataclasses.replace(recipe, lr=recipe.lr * rate)
    history = Trainer(model, dataset, recipe, settings.seed, Run(processes, label)).run()
    model.eval()
    return history[-1]["held_out_accuracy"]


def kept_row(out: Path, name: str, settings: Settings, dataset: Dataset, make: Callable[[], dict], **more) -> dict:
    """The result ``OUT/rows/NAME.json`` of ``make()``, made once for the same settings, data and ``more``."""
    key = {
        "name": name, "settings": settings.to_json(), "versions": versions(), "dataset_sha256": dataset.digest, **more
    }
    return kept_record(out / "rows" / f"{name}.json", json.loads(json.dumps(key)), make)

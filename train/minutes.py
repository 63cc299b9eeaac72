"""How long each model of a list may train so that all of them are made in a given time.

Before anything is trained, every model's steps are timed here, and what its export will take is estimated. The epochs
follow from the share of the time that the list gives the model.
"""

import argparse
import dataclasses
import math
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.table import Table

from console.settings import given_settings
from spec.refusal import Refused
from spec.synthetic import synthetic_model
from train import export, fit
from train.data import Dataset
from train.deploy.choice import Calibration
from train.deploy.deployed import DeployedNet
from train.deploy.proof import vectors_path
from train.loop.pace import Pace, measured, timed
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.settings import Settings, settings_from
from train.nets.config import Method

__all__ = ["Job", "length_options", "look_at", "plan", "start_seconds", "table_of"]

#: Of the time that is left, what is promised away.
_USED = 0.93

_BATCH = 64  #: Images whose forward passes are timed.


@dataclass(frozen=True)
class Job:
    """A model that is to be trained and exported.

    Parameters
    ----------
    name : str
    share : float
        Of the time, against the shares of the other models.
    recipe : Recipe
        Of any length.
    pace : Pace
    after : float
        Seconds that everything else takes: its export, the start of both commands.
    over_dense : float
        Its step, as a multiple of that of the same network with learned weights.
    sizes : mapping of Path to int
        Bytes of the files that its export writes, but for their metadata.
    """

    name: str
    share: float
    recipe: Recipe
    pace: Pace
    after: float
    over_dense: float
    sizes: Mapping[Path, int]

    def epochs_in(self, seconds: float) -> int:
        """The most epochs that are trained, and exported, in ``seconds``."""
        return self.pace.epochs_in(seconds - self.after, self.recipe)

    @property
    def least(self) -> float:
        """Seconds of one epoch and its export."""
        return self.pace.seconds(self.recipe.of_length(1)) + self.after


def plan(jobs: Sequence[Job], seconds: float) -> list[int]:
    """Epochs of each of ``jobs``, all of which are made in ``seconds``.

    Raises
    ------
    Refused
        If the share of one does not hold an epoch, naming the minutes that do.
    """
    total = sum(job.share for job in jobs)
    epochs = [job.epochs_in(_USED * seconds * job.share / total) for job in jobs]
    for job, count in zip(jobs, epochs, strict=True):
        if not count:
            needed = max(job.least * total / job.share for job in jobs) / _USED
            raise Refused(
                f"The {seconds:.0f} s that are left of --minutes do not hold one epoch of {job.name}: its share is "
                f"{seconds * job.share / total:.0f} s, but an epoch and its export take about {job.least:.0f} s. "
                f"{math.ceil(needed)} s would do for all: give more --minutes or name fewer models"
            )
    return epochs


def table_of(jobs: Sequence[Job], epochs: Sequence[int]) -> Table:
    """What was measured of ``jobs``, and how many epochs each of them gets."""
    table = Table("model", show_edge=False)
    for column in ("steps/s", "step / dense", "epoch, s", "around, s", "epochs"):
        table.add_column(column, justify="right")
    for job, count in zip(jobs, epochs, strict=True):
        step = job.pace.step[None]
        epoch = job.pace.steps * step + job.pace.judging
        paces = f"{1 / step:.1f}", f"{job.over_dense:.3f}", f"{epoch:.1f}", f"{job.after:.0f}"
        table.add_row(job.name, *paces, str(count))
    return table


def start_seconds() -> float:
    """What a command takes to start."""
    command = [sys.executable, "-m", "train.export", "--help"]
    return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL), torch.device("cpu"))


def look_at(name: str, share: float, commands: Sequence[Sequence[str]], seconds: float, start: float) -> Job:
    """The job that two ``commands``, a ``train.fit`` and a ``train.export`` with their options, are.

    Parameters
    ----------
    share : float
        Of the time.
    seconds : float
        That steps are timed for.
    start : float
        Seconds that a command takes to start.

    Raises
    ------
    Refused
        If they are other commands, or as they do.
    """
    if [module for module, *_ in commands] != ["train.fit", "train.export"]:
        raise Refused(
            f"Model {name} is not made by train.fit and then train.export, so --minutes cannot choose its epochs"
        )
    training, exporting = (
        module.parser().parse_args(options) for module, (_, *options) in zip((fit, export), commands, strict=True)
    )
    settings, threads = settings_from(training), torch.get_num_threads()
    begun = time.perf_counter()
    dataset = settings.load(training.data)
    around = 2 * (start + time.perf_counter() - begun)
    torch.set_num_threads(training.threads)
    try:
        pace, dense = (
            measured(one, dataset, Processes.start(training.device), seconds) for one in (settings, _dense(settings))
        )
    finally:
        torch.set_num_threads(threads)  # Which an export leaves as they are.
    seconds, sizes = _export(settings, dataset, exporting)
    after = around + seconds + pace.judging
    return Job(name, share, settings.recipe, pace, after, pace.step[None] / dense.step[None], sizes)


def _dense(settings: Settings) -> Settings:
    """The same network with learned weights."""
    method = Method.FOLDED if settings.model.method.folds else Method.DENSE
    return dataclasses.replace(settings, model=dataclasses.replace(settings.model, method=method, rings=None))


def _export(settings: Settings, dataset: Dataset, options: argparse.Namespace) -> tuple[float, dict[Path, int]]:
    """Seconds that an export takes, and bytes of its files: float passes over the calibration images, and integer
    passes by every rule and for the held-out images; the model and what is stored on the images of its vectors.
    """
    calibration = Calibration(**given_settings(options, Calibration))
    images = dataset.train_images[:_BATCH]
    begun = time.perf_counter()
    model = settings.untrained(dataset).eval()
    net = DeployedNet(synthetic_model(model.network, 0))
    made = time.perf_counter() - begun
    integers = min(timed(lambda: net.logits(images), net.device) for _ in range(2))
    with torch.no_grad():
        floats = min(timed(lambda: model(torch.from_numpy(images)), torch.device("cpu")) for _ in range(2))
    judged = len(calibration.rules) * calibration.count(dataset) + len(dataset.test_images)
    # Three float passes, two of which look at every value, which takes about as long again; a model for each rule.
    passes = (integers * judged + 5 * floats * calibration.count(dataset)) / len(images)
    trace = net.run(images[:1])
    stored = images[0].nbytes + trace.logits.nbytes + sum(step.values.nbytes for step in trace.stored)
    sizes = {options.out: net.model.stored_bytes, vectors_path(options.out): options.vectors * stored}
    return passes + (1 + len(calibration.rules)) * made, sizes


def length_options(recipe: Recipe, epochs: int) -> list[str]:
    """Options of ``train.fit`` that make ``recipe`` so long."""
    made, words = recipe.of_length(epochs), []
    for name in ("epochs", "warmup", "period", "milestones", "small_sizes", "small_until"):
        value = getattr(made, name)
        if value != getattr(recipe, name):
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            words += [f"--{name.replace('_', '-')}={text}"]
    return words

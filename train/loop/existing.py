"""A training that finds a checkpoint: keep it, go on from it or begin anew; whether going on gives the same bits."""

import argparse
import enum
from pathlib import Path

import numpy as np
import torch

from spec.refusal import Refused
from train.data import Dataset
from train.loop import checkpoint
from train.loop.processes import Processes
from train.loop.settings import Settings

__all__ = ["Existing", "add_existing", "computed_by", "keep_existing", "resumable", "versions"]

#: What trained bits depend on beside settings, data and versions, and how it is asked for.
_COMPUTERS = {"device": "--device {}", "threads": "--threads {}", "processes": "torchrun --nproc-per-node {}"}


class Existing(enum.Enum):
    """What becomes of a checkpoint that is there when a training begins."""

    KEEP = "keep"  #: It stays, and nothing is trained.
    RESUME = "resume"  #: Training goes on from it.
    OVERWRITE = "overwrite"  #: Training begins anew; its first checkpoint replaces it.


def add_existing(parser: argparse.ArgumentParser) -> None:
    """Add ``--resume`` and ``--overwrite`` to ``parser`` or to a group of one: ``existing`` is an :class:`Existing`."""
    group = parser.add_mutually_exclusive_group()
    for existing, meaning in (
        (Existing.RESUME, "go on from the checkpoint in --out"),
        (Existing.OVERWRITE, "train anew though there is a checkpoint in --out, which is lost"),
    ):
        group.add_argument(
            f"--{existing.value}", dest="existing", action="store_const", const=existing, default=Existing.KEEP,
            help=meaning,
        )


def versions() -> dict[str, str]:
    """Versions of what trained bits depend on."""
    return {"torch": str(torch.__version__), "numpy": np.__version__}


def computed_by(processes: Processes) -> dict[str, str | int]:
    """What computes: trained bits depend on it, too."""
    device = processes.device.type
    threads = {"threads": torch.get_num_threads()} if device == "cpu" else {}
    return {"device": device, **threads, "processes": processes.world}


def keep_existing(path: Path, existing: Existing) -> None:
    """Refuse to train where a checkpoint at ``path`` would be lost, unless ``existing`` says that it may.

    Raises
    ------
    Refused
        Naming the options that help.
    """
    if existing is Existing.KEEP and path.exists():
        raise Refused(
            f"Checkpoint {path} is there, and would be lost; give --resume to go on from it, --overwrite to train "
            "anew, or another folder"
        )


def resumable(path: Path, settings: Settings, dataset: Dataset, processes: Processes) -> dict:
    """The checkpoint at ``path``, from which ``processes`` come to the bits that they would have come to at once.

    Raises
    ------
    Refused
        If it is of other settings, data or versions, or was computed by other devices, threads or processes.
    """
    state = checkpoint.load(path)
    difference = settings.difference(Settings.from_json(state["settings"]))
    if difference is not None:
        name, then, now = difference
        raise Refused(
            f"Checkpoint {path} was trained with --{name.replace('_', '-')} {then}, not {now}; resume with the same "
            "settings or start again with --overwrite"
        )
    if state["dataset_sha256"] != dataset.digest:
        raise Refused(
            f"Checkpoint {path} was trained on other images than {dataset.name} now holds; start again with --overwrite"
        )
    if state["versions"] != versions():
        raise Refused(
            f"Checkpoint {path} was written with {state['versions']}, not {versions()}, so the result would not be "
            "reproducible; use those versions or start again with --overwrite"
        )
    now = computed_by(processes)
    found = state.get("computed_by", now)  # Older checkpoints do not say.
    for name in (name for name in _COMPUTERS if name in found):
        then = found[name]
        if then != now.get(name):
            was, here = (_COMPUTERS[name].format(value) for value in (then, now.get(name)))
            raise Refused(
                f"Checkpoint {path} was trained with {was}, not {here}, on which the bits depend; resume with {was} or "
                "start again with --overwrite"
            )
    return state

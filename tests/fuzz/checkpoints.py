"""Checkpoints: their bytes, and what they hold, with digests repaired."""

import copy
import hashlib
import io
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from tests.fuzz.mutate import damaged_bytes, damaged_tree, edge
from tests.fuzz.worker import Make
from train.data import Dataset
from train.fit import parser
from train.loop import checkpoint
from train.loop.log import with_times
from train.loop.settings import Settings, settings_from
from train.loop.step import make_optimizer

__all__ = ["checkpoints"]

_OPTIONS = "--widths 4,4 --iterations 0,2 --epochs 1"


def _state(options: str) -> dict:
    """What a run of train.fit with these options would keep."""
    images, labels = np.zeros((4, 4, 4, 1), np.uint8), np.arange(4) % 2
    dataset = Dataset("dots", images, labels, images, labels, classes=2)
    settings = settings_from(parser().parse_args(options.split()))
    model = settings.untrained(dataset)
    return {
        "settings": settings.to_json(), "network": model.network.to_json(), "dataset_sha256": dataset.digest,
        "versions": {"torch": "2"}, "epoch": 1, "step": 0, "loss": torch.zeros(()), "history": [{"epoch": 1}],
        "model": model.state_dict(), "optimizer": make_optimizer(settings.recipe, model).state_dict(), "scaler": {},
    }


def _written(state: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return _signed(buffer.getvalue())


def _signed(content: bytes) -> bytes:
    return content + hashlib.sha256(content).digest()


def _tensor(rng: random.Random) -> object:
    kinds = (torch.float32, torch.float64, torch.int64, torch.bool, torch.bfloat16, torch.complex64)
    shape = rng.choice(((), (0,), (1,), (4,), (4, 1, 1, 9), (2, 3)))
    made = torch.zeros(shape, dtype=rng.choice(kinds))
    return made.to_sparse() if rng.random() < 0.1 and shape else made


def _use(path: Path) -> None:
    """Everything that train.export does with a checkpoint before it needs the images, and what --resume does more."""
    state = checkpoint.load(path)
    with_times(state["history"], path)
    state["loss"].to("cpu")
    Settings.from_json(state["settings"])
    checkpoint.restore(state)


def checkpoints(folder: Path) -> Make:
    """Damaged checkpoints of a network with masks and of one with rings."""
    states = []
    for number, options in enumerate((_OPTIONS, f"{_OPTIONS} --dof 64")):
        path = checkpoint.save(folder / f"base{number}.pt", _state(options))
        states.append(checkpoint.load(path))
    files = [(folder / f"base{number}.pt").read_bytes() for number in range(len(states))]
    path = folder / "damaged.pt"

    def make(rng: random.Random) -> Callable[[], object]:
        if rng.random() < 0.3:
            content = damaged_bytes(rng.choice(files), rng)
            path.write_bytes(_signed(content[:-32]) if rng.random() < 0.7 else content)
            return lambda: _use(path)
        state = copy.copy(rng.choice(states))
        key = rng.choice(sorted(state))
        if rng.random() < 0.6:
            key = rng.choice(("settings", "settings", "network", "model"))
        if key == "model":
            state[key] = dict(state[key])
            name = rng.choice(sorted(state[key]))
            state[key][name] = _tensor(rng) if rng.random() < 0.7 else edge(rng)
        elif isinstance(state[key], dict | list) and rng.random() < 0.9:
            state[key] = damaged_tree(state[key], rng)
        else:
            state[key] = edge(rng)
        path.write_bytes(_written(state))
        return lambda: _use(path)

    return make

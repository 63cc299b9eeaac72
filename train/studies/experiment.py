"""A training run of the experiments: which network, which rings; and cells, runs that are kept in a folder.

A cell is one file, ``cells/NAME.pt``: settings and the trainer's state. A grid of cells that was interrupted goes on
where it was; finished ones are not trained again.
"""

import dataclasses
import hashlib
import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from spec.files import write_bytes
from spec.refusal import Refused
from train.data import Dataset
from train.loop.processes import Processes
from train.loop.recipe import Recipe
from train.loop.trainer import Trainer
from train.nets.addressing import Addressing
from train.nets.config import SMALL, Method, ModelConfig
from train.nets.repeated import RepeatedNet, RepeatedShape, Sharing
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import Scope, planned
from train.nets.vit import RpgViT, ViTShape

__all__ = ["REPEATED", "VIT", "Experiment", "read_cell", "run_cells", "train_cell"]

VIT, REPEATED = "vit", "repeated"

_DIGEST_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What is trained. Settings of another kind of network than ``network`` are ignored; a scope it has not is refused.
    """

    network: str = SMALL  #: Or resnet18, 34, ..., vit, repeated.
    width: int = 16  #: Channels of the first stage; dimensions of a transformer.
    dof: int | None = None  #: Values of all rings; without it, no rings ("vanilla").
    addressing: Addressing = Addressing.ELEMENT
    flips: bool = True
    scope: Scope = Scope.GLOBAL
    parts: tuple[str, ...] = ("shortcut",)  #: Besides the blocks, what is in the rings.
    outside: Method = Method.DENSE  #: What layers outside the rings are: dense or hnn.
    patch: int = 2  #: Of a transformer.
    blocks: int = 2  #: Of a repeated sub-network.
    repeats: int = 2
    sharing: Sharing = Sharing.RING
    own_norms: bool = True
    seed: int = 0  #: Of permutations, flips, initial values and the order of images.

    def model(self, dataset: Dataset) -> nn.Module:
        """The network for ``dataset``, untrained."""
        generator = torch.Generator().manual_seed(self.seed)
        rings = {"addressing": self.addressing, "flips": self.flips, "generator": generator}
        if self.network in (VIT, REPEATED) and self.scope is not Scope.GLOBAL:
            raise Refused(f"A network of kind {self.network} has no rings by {self.scope}; train small or a ResNet")
        if self.network == VIT:
            shape = ViTShape(dataset.image, dataset.classes, self.patch, self.width)
            parts = tuple(part for part in self.parts if part != "shortcut")
            return RpgViT(shape, self.dof, parts=parts, seed=self.seed, **rings)
        if self.network == REPEATED:
            repeated = RepeatedShape(dataset.image, dataset.classes, self.width, self.blocks, self.repeats)
            return RepeatedNet(
                repeated, self.sharing, own_norms=self.own_norms, dof=self.dof, seed=self.seed, **rings
            )
        small = {"widths": tuple(self.width << stage for stage in range(3)), "iterations": (0, 1, 1)}
        config = ModelConfig.of(
            self.outside, network=self.network, width=self.width, net_seed=self.seed, **small
        )
        network = config.topology(self.network, dataset.image, dataset.classes)
        plans = () if self.dof is None else planned(
            network, dof=self.dof, addressing=self.addressing, scope=self.scope, parts=self.parts
        )
        return RpgResNet(network, plans, outside=self.outside, **rings)

    def vanilla(self) -> "Experiment":
        """The same network with all its weights free."""
        return dataclasses.replace(self, dof=None, sharing=Sharing.UNSHARED, scope=Scope.GLOBAL)

    def to_json(self) -> dict:
        """Plain form; :meth:`from_json` inverts it."""
        plain = dataclasses.asdict(self) | {"parts": list(self.parts)}
        return {name: str(value) if isinstance(value, str) else value for name, value in plain.items()}

    @classmethod
    def from_json(cls, data: dict) -> "Experiment":
        """Experiment of the plain values that :meth:`to_json` gives."""
        kinds = {"addressing": Addressing, "scope": Scope, "outside": Method, "sharing": Sharing, "parts": tuple}
        return cls(**{name: kinds.get(name, lambda same: same)(value) for name, value in data.items()})


def train_cell(
    path: Path, experiment: Experiment, dataset: Dataset, recipe: Recipe, processes: Processes, label: str = ""
) -> tuple[nn.Module, list[dict]]:
    """Train ``experiment``, or what is left of it, or nothing if the cell ``path`` is finished.

    ``label`` is what the progress display calls it, by default the name of the cell.

    Returns
    -------
    The trained network, in evaluation mode, and the records of its epochs.

    Raises
    ------
    Refused
        If ``path`` is a cell of other settings or data, or damaged.
    """
    settings = {"experiment": experiment.to_json(), "recipe": recipe.to_json(), "dataset_sha256": dataset.digest}
    model = experiment.model(dataset)
    state = None
    if path.is_file():
        found = read_cell(path)
        for name, value in settings.items():
            if found[name] != value:
                raise Refused(
                    f"Cell {path} was trained with another {name.replace('_', ' ')}; choose another --out or delete it"
                )
        state = found["state"]

    def save(state: dict) -> None:
        buffer = io.BytesIO()
        torch.save(settings | {"state": state}, buffer)
        write_bytes(path, buffer.getvalue() + hashlib.sha256(buffer.getvalue()).digest())

    trainer = Trainer(
        model, dataset, recipe, experiment.seed, processes, state=state, save=save, label=label or path.stem
    )
    history = trainer.run()
    return model.eval(), history


def read_cell(path: Path) -> dict:
    """What the cell ``path`` holds: experiment, recipe, dataset_sha256, state.

    Raises
    ------
    Refused
        If it is absent, damaged or no cell.
    """
    if not path.is_file():
        raise Refused(f"Cell {path} does not exist; train it with python -m train.studies.ring_fit")
    content = path.read_bytes()
    content, digest = content[:-_DIGEST_BYTES], content[-_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise Refused(f"Cell {path} is damaged or truncated (SHA-256 differs); delete it and train again")
    try:
        cell = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        raise Refused(f"Cell {path} cannot be read ({type(error).__name__}); delete it and train again") from None
    if not isinstance(cell, dict) or set(cell) != {"experiment", "recipe", "dataset_sha256", "state"}:
        raise Refused(f"File {path} is no cell of an experiment; choose another --out or delete it")
    return cell


def run_cells(
    out: Path, cells: Mapping[str, Experiment], dataset: Dataset, recipe: Recipe, processes: Processes
) -> dict[str, float]:
    """Held-out accuracy after the last epoch of every cell, by name; cells are kept in ``out/cells``."""
    accuracies = {}
    for number, (name, experiment) in enumerate(cells.items(), 1):
        label = f"cell {number} of {len(cells)}, {name}"
        _, history = train_cell(out / "cells" / f"{name}.pt", experiment, dataset, recipe, processes, label)
        accuracies[name] = history[-1]["held_out_accuracy"]
    return accuracies

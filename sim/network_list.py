"""The list of whole networks that ``python -m sim.networks`` runs: from TOML, one :class:`Run` per network and size."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from spec.documents import read_toml
from spec.model import load
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.topologies import depth_of, resnet

__all__ = ["Run", "read_list"]

#: Classes by image size: those of CIFAR-100 and of ImageNet.
_CLASSES = {32: 100, 224: 1000}

#: Width of the networks where the list gives none: the paper's.
_WIDTH = 64


@dataclass(frozen=True)
class Run:
    """One network in one mode on one build size.

    Parameters
    ----------
    network : Network
    mode : str
        Of the masks of its blocks; "ring" if they draw from one.
    pe : int
    goal : float
        Dense-equivalent MAC per PE and cycle to reach.
    model : Path, optional
        File of a trained model; without it, masks are random.
    """

    network: Network
    mode: str
    pe: int
    goal: float
    model: Path | None = None

    @property
    def model_name(self) -> str:
        """Name of its model file."""
        return self.model.stem if self.model else f"{self.network.name}-{self.mode}"

    @property
    def name(self) -> str:
        """Name of the run, which ``--only`` matches."""
        return f"{self.model_name}-pe{self.pe}"

    @property
    def effort(self) -> float:
        """Estimate of its duration, in arbitrary units: a cycle costs a fixed part and one per PE."""
        work = sum(step.layer.macs * step.layer.passes for step in self.network.steps)
        return work / self.pe * (150 + self.pe)


def read_list(path: Path) -> tuple[Run, ...]:
    """The runs that the TOML file ``path`` lists.

    Raises
    ------
    Refused
        If it cannot be read, or an entry has an unknown, missing or impossible value.
    """
    entries = read_toml(path, "List", "take sim/networks.toml as a pattern").get("run")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused(f"List {path} is no TOML file with [[run]] entries")
    for entry in entries:
        _check_types(entry, Path(path))
    return tuple(run for entry in entries for run in (_trained if "model" in entry else _runs)(entry, Path(path)))


def _check_types(entry: dict, path: Path) -> None:
    """Refuse values of a wrong type; which keys there must be is said elsewhere."""
    whole, number = (lambda value: type(value) is int), (lambda value: type(value) in (int, float))
    several = {"pe": whole, "folded": whole}
    for key, value in entry.items():
        good = {
            "model": isinstance(value, str), "network": isinstance(value, str), "image": whole(value),
            "width": whole(value),
            "goal": all(map(number, value.values())) if isinstance(value, dict) else number(value) and "model" in entry,
        }.get(key, isinstance(value, list) and all(map(several.get(key, number), value)))
        if not good:
            raise Refused(f"A [[run]] of {path} has {key} {value!r}, of another type than sim/networks.toml has")


def _trained(entry: dict, path: Path) -> Iterator[Run]:
    """Runs of a model file, which is named relative to the list."""
    if set(entry) != {"model", "pe", "goal"}:
        raise Refused(f"A [[run]] of a model in {path} must have the keys model, pe and goal, not {sorted(entry)}")
    model = (path.parent / entry["model"]).resolve()
    network = load(model).network
    last = network.layers[-2]  # Before it may be a stem with a mode of its own, after it is the classifier.
    for pe in entry["pe"]:
        yield Run(network, "ring" if last.ring else str(last.mode), pe, entry["goal"], model)


def _runs(entry: dict, path: Path) -> Iterator[Run]:
    keys = {"network", "image", "folded", "pe", "goal"}
    if set(entry) - {"width"} != keys:
        raise Refused(
            f"A [[run]] of {path} must have the keys {sorted(keys)}, and may have 'width'; this one has {sorted(entry)}"
        )
    if entry["image"] not in _CLASSES:
        known = ", ".join(map(str, _CLASSES))
        raise Refused(f"A [[run]] of {path} has image {entry['image']!r}; the images are {known}")
    width = entry.get("width", _WIDTH)
    for mode, goal in entry["goal"].items():
        if mode not in list(Mode):
            raise Refused(f"A [[run]] of {path} has mode {mode!r}; the modes are {', '.join(Mode)}")
        network = resnet(
            depth_of(entry["network"]), classes=_CLASSES[entry["image"]], image=entry["image"],
            folded=entry["folded"], width=width, mode=Mode(mode),
        )
        if width != _WIDTH:
            network = replace(network, name=f"{network.name}-w{width}")
        for pe in entry["pe"]:
            yield Run(network, mode, pe, goal)

"""Accuracy and size of networks: those of the papers, and model files."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spec.model import Model

__all__ = ["Judged", "of_model", "of_papers"]

_PAPERS = Path(__file__).with_name("papers.toml")


@dataclass(frozen=True)
class Judged:
    """A network: what it was trained on, how well it does (percent), what it takes (bytes), who says so."""

    name: str
    method: str
    dataset: str
    accuracy: float
    bytes: int
    source: str


def of_papers() -> Sequence[Judged]:
    """What the papers report."""
    return [Judged(**point) for point in tomllib.loads(_PAPERS.read_text())["point"]]


def of_model(name: str, model: Model) -> Judged | None:
    """A model file: its integers' accuracy, and the bytes the accelerator stores; None if it was never judged."""
    facts = model.provenance
    if not isinstance(facts.get("deployed_accuracy"), float | int) or not isinstance(facts.get("dataset"), str):
        return None
    accuracy = 100 * facts["deployed_accuracy"]
    return Judged(name, "here", facts["dataset"], accuracy, model.stored_bytes, "deployed, this project")

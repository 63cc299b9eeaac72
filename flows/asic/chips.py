"""What published chips reach, to show beside an estimate."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Chip", "published"]

_CHIPS = Path(__file__).with_name("chips.toml")


@dataclass(frozen=True)
class Chip:
    """One published figure.

    Parameters
    ----------
    name, note, source : str
        What it is and runs, how it was reached, and where that is published.
    node : str
    tops_per_w : float
        As published, masked and zero operations counted.
    uj_per_image : float or None
        Where the source says it.
    """

    name: str
    node: str
    tops_per_w: float
    note: str
    source: str
    uj_per_image: float | None = None


def published() -> list[Chip]:
    """The chips of ``chips.toml``."""
    return [Chip(**row) for row in tomllib.loads(_CHIPS.read_text())["chip"]]

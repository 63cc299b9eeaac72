"""What other systems reach on CIFAR-10, to show beside ours."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

__all__ = ["System", "systems"]

_SYSTEMS = Path(__file__).with_name("cifar10.toml")


@dataclass(frozen=True)
class System:
    """One published system; None is what its source does not say.

    Parameters
    ----------
    name, part, source : str
        What it is, on which board or chip, and where that is published.
    top1 : float
        Accuracy in %, on CIFAR-10.
    images_per_s : float or None
    lut, dsp : int or None
    mhz : float or None
    uj_per_image : float or None
        Energy in µJ.
    """

    name: str
    part: str
    source: str
    top1: float
    images_per_s: float | None = None
    lut: int | None = None
    dsp: int | None = None
    mhz: float | None = None
    uj_per_image: float | None = None


def systems() -> list[System]:
    """The systems of ``cifar10.toml``."""
    return [System(**row) for row in tomllib.loads(_SYSTEMS.read_text())["system"]]

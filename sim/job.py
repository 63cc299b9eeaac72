"""What one simulator process is asked to do: written by the process that starts it, read by the cocotb test."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from spec.config import AcceleratorConfig
from spec.files import write_text

__all__ = ["Cut", "Job"]


@dataclass(frozen=True)
class Cut:
    """Which store to look for, and how much of the waveform to keep around it.

    Parameters
    ----------
    image : int
    trace : bool
        Whether the program is the one that sends every stored tensor.
    memory : str
        "x", "t", or "psum" for a logit, which is taken to be stored in the last cycle of its command.
    address, part : int
        Word, and 32-bit part of it.
    first, end : int
        Cycles after the start between which its command runs.
    margin : int
        Cycles to keep on both sides.
    """

    image: int
    trace: bool
    memory: str
    address: int
    part: int
    first: int
    end: int
    margin: int = 100


@dataclass(frozen=True)
class Job:
    """A simulated build, and for ``sim.run`` what to run on it.

    Parameters
    ----------
    config : AcceleratorConfig
    model : str
        Model file.
    images : str
        uint8 array (B, H, W, C) as ``.npy``.
    stall : float
        Probability that a channel pauses.
    seed : int
        For the pauses.
    cut : Cut, optional
        Waveform to write.
    """

    config: AcceleratorConfig
    model: str = ""
    images: str = ""
    stall: float = 0.0
    seed: int = 1
    cut: Cut | None = None

    def save(self, path: Path) -> Path:
        """Write the job to ``path`` and return the path."""
        data = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        cut = None if self.cut is None else dataclasses.asdict(self.cut)
        return write_text(path, json.dumps(data | {"config": self.config.to_json(), "cut": cut}, indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Job":
        """The job in ``path``."""
        data = json.loads(Path(path).read_text())
        cut = None if data["cut"] is None else Cut(**data["cut"])
        return cls(**(data | {"config": AcceleratorConfig.from_json(data["config"]), "cut": cut}))

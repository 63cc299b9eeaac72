"""The networks that the study of budgets compares, and what each costs: bytes on the chip, cycles of an image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from spec.config import config_for
from spec.network import Network
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from train.nets.config import Method
from train.sizes import chip_bytes

__all__ = ["DENSITIES", "PE", "Variant", "costs", "front", "variants"]

#: PEs whose cycles are counted.
PE = 256

#: Kept fraction of every mode; None where the mode has but one.
DENSITIES: Mapping[Mode, float | None] = {
    Mode.ANY: 0.3, Mode.TWO_OF_FOUR: 0.3, Mode.ONE_OF_FOUR: None, Mode.AT_MOST_ONE: 0.2,
}


@dataclass(frozen=True)
class Variant:
    """A small hidden-fold network: three stages of ``width``, twice and four times as many channels, of which the last
    two run their repeated block ``folds`` times.
    """

    mode: Mode
    width: int
    folds: int

    @property
    def name(self) -> str:
        """Of its runs."""
        return f"{self.mode}-w{self.width}-f{self.folds}"

    @property
    def changes(self) -> dict:
        """Settings of training, as options have them."""
        density = DENSITIES[self.mode]
        return {
            "method": Method.HFN, "mode": self.mode, "widths": (self.width, 2 * self.width, 4 * self.width),
            "iterations": (0, self.folds, self.folds),
        } | ({} if density is None else {"density": density})


def variants(widths: Sequence[int], folds: Sequence[int]) -> list[Variant]:
    """All of them, in every mode."""
    return [Variant(mode, width, count) for mode in Mode for width in widths for count in folds]


def costs(network: Network) -> dict[str, int]:
    """``bytes`` that the chip stores of ``network``, and ``cycles`` of an image on the usual build of :data:`PE`."""
    model = synthetic_model(network, seed=0, calibration_images=1)
    program = compile_model(model, fitted(config_for(PE), network))
    return {"bytes": chip_bytes(network), "cycles": predict(program).total}


def front(rows: Sequence[Mapping], cost: str) -> list[Mapping]:
    """Rows that none of at most the same ``cost`` equals or beats in mean ``accuracy``, cheapest first."""
    best: list[Mapping] = []
    for row in sorted(rows, key=lambda row: (row[cost], -row["accuracy"])):
        if not best or row["accuracy"] > best[-1]["accuracy"]:
            best.append(row)
    return best

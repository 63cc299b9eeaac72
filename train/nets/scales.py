"""What one step of every stored activation is worth, and the record of a run that was fine-tuned with such scales.

All block outputs of a stage, over all blocks and iterations, share a step, so that an identity residual is exact; an
inner convolution of a block has one for all its iterations, and the max pool has that of what it reads. A projection
shortcut is stored signed, in steps of a power of two times its stage's.

Ref: docs/design/numbers.md.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from spec.fields import checked
from spec.layer import Layer, Role
from spec.network import Network
from spec.numerics import ACTIVATION_BITS, PIXEL_MAX, output_range
from spec.refusal import Refused

__all__ = ["FineTuning", "Scales", "read_steps", "stages"]


@dataclass(frozen=True)
class Scales:
    """What one step of a stored activation is worth, and how shortcuts are scaled.

    Parameters
    ----------
    steps : mapping of layer name to float
        For every layer but a classifier, and for max pools.
    residual_shifts : mapping of layer name to int
        ``rsh`` of the last layer of each block with a projection shortcut: the shortcut's step is ``2**rsh`` times its.
    bits : int
        Of a stored activation.
    """

    steps: Mapping[str, float]
    residual_shifts: Mapping[str, int]
    bits: int = ACTIVATION_BITS

    def range_of(self, layer: Layer) -> tuple[int, int]:
        """Least and greatest integer that ``layer`` stores."""
        return output_range(layer.role.signed, self.bits)

    def residual_range(self, layer: Layer) -> tuple[int, int]:
        """Least and greatest integer that ``layer`` adds; (0, 0) if it adds none."""
        if layer.role is not Role.LAST:
            return (0, 0)
        return output_range(layer.name in self.residual_shifts, self.bits)

    def largest_input(self, layer: Layer) -> int:
        """Largest integer that ``layer`` reads."""
        return PIXEL_MAX if layer.role is Role.STEM else output_range(signed=False, bits=self.bits)[1]


@dataclass(frozen=True)
class FineTuning:
    """What a fine-tuned network is a function of, besides what any other is.

    Parameters
    ----------
    checkpoint : str
        SHA-256 (hex) of the checkpoint it started from.
    bits : int
    calibrator : str
        As it was asked for.
    calibration : int
        Training images, from the first, that its scales were taken from.
    rule : str
        What ``calibrator`` came to.
    float_accuracy : float
        Of the network it started from, on the held-out images.
    steps, residual_shifts
        Of :class:`Scales`.
    """

    checkpoint: str
    bits: int
    calibrator: str
    calibration: int
    rule: str
    float_accuracy: float
    steps: Mapping[str, float]
    residual_shifts: Mapping[str, int]

    @property
    def scales(self) -> Scales:
        """The scales it was fine-tuned with, and must be deployed with."""
        return Scales(self.steps, self.residual_shifts, self.bits)

    def to_json(self) -> dict:
        """Plain form; :meth:`from_json` inverts it."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: dict) -> "FineTuning":
        """What ``data`` describes; an unknown, missing or ill-typed key is refused by name."""
        values = checked(data, cls, "finetuning")
        for name, kind in (("steps", float), ("residual_shifts", int)):
            table = values[name]
            if not isinstance(table, dict) or any(type(value) is not kind for value in table.values()):
                raise Refused(f"Key finetuning.{name} must map layer names to {kind.__name__}, not {table!r}")
        return cls(**values)


def stages(network: Network) -> list[list[Layer]]:
    """The layers that write the residual stream, by stage: a projection shortcut begins a new one."""
    found = [[network.layers[0]]]
    for layer in map(network.layer, network.added):
        if network.adds_projection(layer):
            found.append([])
        found[-1].append(layer)
    return found


def read_steps(network: Network, scales: Scales) -> dict[str, float]:
    """What one step of the activation that each layer reads is worth, by name."""
    return {
        step.layer.name: 1 / PIXEL_MAX if step.source is None else scales.steps[network.once[step.source].layer.name]
        for step in network.once if step.layer.role is not Role.POOL
    }

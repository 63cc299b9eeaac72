"""Activation scales of a trained network by what it stores on calibration images, by one of several rules.

A rule decides how far the range of a stored activation reaches: to the largest magnitude that occurs, or less far, so
that the few values beyond are cut off and all others get finer steps. Which is better depends on the network and on
the bits; :mod:`train.deploy.choice` finds out.
"""

import enum
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from spec.layer import Layer, Role
from spec.network import Network
from spec.numerics import ACTIVATION_BITS, RESIDUAL_SHIFT_MAX, output_range
from spec.refusal import Refused
from train.nets.model import ResidualNet
from train.nets.scales import Scales, stages

__all__ = ["Distribution", "Rule", "calibrate", "distributions", "scales_of"]

_BINS = 8192  #: Of a distribution: several to a step, at 8 bits and any reach that helps.
_REACHES = 64  #: Fractions of the peak that the rule ``mse`` tries, from 4/64 up.
_BATCH = 256  #: Images per forward pass.


class Rule(enum.StrEnum):
    """How far the range of an activation reaches."""

    MAX = "max"  #: To the largest magnitude.
    P99_99 = "p99.99"  #: Past 99.99 % of the magnitudes that are not 0.
    P99_9 = "p99.9"
    P99_5 = "p99.5"
    P99 = "p99"
    MSE = "mse"  #: To where the mean square of the error, by rounding and by saturation, is least.


@dataclass(frozen=True)
class Distribution:
    """How often magnitudes other than 0 occur. (ReLU makes many zeros, which any scale represents.)

    Parameters
    ----------
    peak : float
        The largest.
    counts : int array
        Of magnitudes in equal parts of 0..``peak``.
    """

    peak: float
    counts: np.ndarray

    def reach(self, rule: Rule, high: int) -> float:
        """Magnitude that the integer ``high``, the greatest that is stored, should stand for by ``rule``."""
        if rule is Rule.MAX or not self.peak:
            return self.peak
        match rule:
            case Rule.MSE:
                reaches = self.peak * np.arange(4, _REACHES + 1) / _REACHES
                return float(reaches[np.argmin([self._error(reach / high, high) for reach in reaches])])
            case _:
                share = float(rule.removeprefix("p")) / 100
                below = np.cumsum(self.counts)
                return self.peak * (int(np.searchsorted(below, share * below[-1])) + 1) / len(self.counts)

    def _error(self, step: float, high: int) -> float:
        """Sum of the squared errors of ``min(floor(x / step + 1/2), high) * step``, each part taken at its middle."""
        middles = (np.arange(len(self.counts)) + 0.5) * self.peak / len(self.counts)
        stored = np.minimum(np.floor(middles / step + 0.5), high) * step
        return float(((stored - middles) ** 2 * self.counts).sum())


def calibrate(
    model: ResidualNet, images: np.ndarray, rule: Rule = Rule.MAX, bits: int = ACTIVATION_BITS
) -> Scales:
    """Activation scales of ``model`` (in evaluation mode) by ``rule``; refuses what :func:`distributions` refuses."""
    return scales_of(model.network, distributions(model, images), rule, bits)


def scales_of(network: Network, found: dict[str, Distribution], rule: Rule, bits: int) -> Scales:
    """Scales by ``rule`` of what was ``found`` (:func:`distributions`)."""
    high = {role: output_range(role.signed, bits)[1] for role in Role}
    steps = {
        layer.name: found[layer.name].reach(rule, high[layer.role]) / high[layer.role]
        for layer in network.stored_layers
    }
    shortcuts = {last: added.name for last, added in network.added.items() if added.role is Role.SHORTCUT}
    # A step finer than that of the sum would gain next to nothing.
    coarser = {
        last: math.ceil(math.log2(max(steps[name] / steps[last], 1))) for last, name in shortcuts.items()
    }
    residual_shifts = {}
    for last, shortcut in shortcuts.items():
        users = network.users[network.layer(last).tensor]  # one shift for all with the same weights
        residual_shifts[last] = min(max(coarser[user.name] for user in users), RESIDUAL_SHIFT_MAX)
        steps[shortcut] = steps[last] * 2.0 ** residual_shifts[last]
    for step in network.once:
        if step.layer.role is Role.POOL:
            steps[step.layer.name] = steps[network.once[step.source].layer.name]
    return Scales(steps, residual_shifts, bits)


def distributions(model: ResidualNet, images: np.ndarray) -> dict[str, Distribution]:
    """What each layer stores on uint8 ``images`` (n, H, W, C), over all iterations.

    Layers that write the residual stream have the distribution of their stage.

    Raises
    ------
    Refused
        If a layer stores only zeros, or values that are not finite, on all of them.
    """
    network = model.network
    group = {layer.name: layer.name for layer in network.stored_layers}
    for stage in stages(network):
        group |= {layer.name: stage[0].name for layer in stage}
    highest = dict.fromkeys(group, 0.0)

    def note(layer: Layer, iteration: int, values: Tensor) -> None:
        if layer.role is not Role.POOL:
            highest[layer.name] = float(np.maximum(highest[layer.name], float(values.abs().max())))  # NaN stays.

    _observe(model, images, note)
    peaks = {owner: max(highest[name] for name in group if group[name] == owner) for owner in group.values()}
    for name, owner in group.items():
        # A shortcut may be 0: what it is added to is not.
        dead = peaks[owner] == 0 and network.layer(name).role is not Role.SHORTCUT
        if dead or not math.isfinite(highest[name]):
            raise Refused(
                f"Layer {name} stores {'only zeros' if dead else 'values that are not finite'} on the "
                f"{len(images)} calibration images; train longer or calibrate on more"
            )
    counts = {owner: np.zeros(_BINS, np.int64) for owner in peaks}

    def count(layer: Layer, iteration: int, values: Tensor) -> None:
        if layer.role is not Role.POOL:
            owner = group[layer.name]
            magnitudes = values[values != 0].abs().numpy()
            parts = (magnitudes / peaks[owner] * _BINS).astype(np.int64).clip(max=_BINS - 1)
            counts[owner] += np.bincount(parts, minlength=_BINS)

    _observe(model, images, count)
    return {name: Distribution(peaks[owner], counts[owner]) for name, owner in group.items()}


@torch.no_grad()
def _observe(model: ResidualNet, images: np.ndarray, observer: Callable[[Layer, int, Tensor], None]) -> None:
    for chunk in torch.from_numpy(images).split(_BATCH):
        model(chunk, observer)

"""Which rule gives a network its activation scales: the one whose integers agree best with the float network.

Judged on calibration images, which are training images, and without labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from console.command import Whole
from console.progress import progress_bars
from console.settings import check_settings, setting
from spec.numerics import ACTIVATION_BITS, ACTIVATION_BITS_MIN
from spec.refusal import Refused
from train.data import Dataset
from train.deploy.calibration import Rule, distributions, scales_of
from train.deploy.deployed import DeployedNet
from train.deploy.quantize import quantize
from train.nets.model import ResidualNet
from train.nets.scales import Scales, read_steps

__all__ = ["AUTO", "Calibration", "Choice", "choose"]

AUTO = "auto"  #: All rules, the best of which is kept.

_IMAGES = 512  #: Images of a calibration where nothing is said of them.

_BATCH = 64  #: Images per forward pass.


@dataclass(frozen=True)
class Calibration:
    """How scales are to be found; the fields say what they mean.

    Raises
    ------
    Refused
        If a value is impossible, naming its option.
    """

    bits: int = setting(ACTIVATION_BITS, "bits of stored activations", Whole(ACTIVATION_BITS_MIN, ACTIVATION_BITS))
    calibrator: str = setting(AUTO, f"rule for scales; {AUTO}: the best of them", (AUTO, *Rule))
    calibration: int = setting(
        0, f"training images that scales are taken from and judged by; 0: {_IMAGES}, or all of fewer",
        Whole(0, 1_000_000),
    )

    def __post_init__(self):
        check_settings(self)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules to try."""
        return tuple(Rule) if self.calibrator == AUTO else (Rule(self.calibrator),)

    def count(self, dataset: Dataset) -> int:
        """Images of ``dataset`` that are taken; refuses more than there are."""
        have = len(dataset.train_images)
        if self.calibration > have:
            raise Refused(
                f"Option --calibration must be at most the {have} training images of {dataset.name}, not "
                f"{self.calibration}"
            )
        return self.calibration or min(_IMAGES, have)

    def choose(self, model: ResidualNet, dataset: Dataset) -> "Choice":
        """Scales of ``model`` by the training images of ``dataset``; refuses what :func:`choose` refuses, and more
        images than there are.
        """
        return choose(model, dataset.train_images[: self.count(dataset)], self.rules, self.bits)


@dataclass(frozen=True)
class Choice:
    """The scales that :func:`choose` found.

    ``divergences`` has for each rule tried the mean Kullback-Leibler divergence [nat] of the deployed network's class
    probabilities from the float network's; None where its entries do not fit the hardware.
    """

    rule: Rule
    scales: Scales
    divergences: dict[Rule, float | None]


def choose(
    model: ResidualNet, images: np.ndarray, rules: Sequence[Rule] = tuple(Rule), bits: int = ACTIVATION_BITS
) -> Choice:
    """The scales, by one of ``rules``, with which the deployed network is closest to ``model`` on uint8 ``images``.

    Of equals the first rule wins.

    Raises
    ------
    Refused
        As :func:`train.deploy.calibration.distributions` does, and as :func:`train.deploy.quantize.quantize` does if it
        refuses every rule.
    """
    found = distributions(model, images)
    logits = _logits(model, images)
    tried: dict[Rule, float | None] = {}
    refusals, best = [], None
    with progress_bars(transient=True) as progress:
        for rule in progress.track(rules, description="judging scales"):
            scales = scales_of(model.network, found, rule, bits)
            try:
                tried[rule] = _divergence(model, scales, images, logits)
            except Refused as refusal:
                refusals.append(refusal)
                tried[rule] = None
                continue
            if best is None or tried[rule] < tried[best[0]]:
                best = rule, scales
    if best is None:
        raise refusals[0]
    return Choice(*best, tried)


@torch.no_grad()
def _logits(model: ResidualNet, images: np.ndarray) -> Tensor:
    """Float64 logits (n, classes) of the float network."""
    return torch.cat([model(chunk) for chunk in torch.from_numpy(images).split(_BATCH)]).double()


def _divergence(model: ResidualNet, scales: Scales, images: np.ndarray, logits: Tensor) -> float:
    """Mean divergence [nat] of the deployed network from the float one, whose ``logits`` these are."""
    net = DeployedNet(quantize(model, scales, {}))
    classifier = model.network.layers[-1]
    # The deployed classifier sums over positions where the float one averages.
    unit = model.convolutions[-1].sigma * read_steps(model.network, scales)[classifier.name] / classifier.positions
    integers = np.concatenate([net.logits(images[i : i + _BATCH]) for i in range(0, len(images), _BATCH)])
    deployed = functional.log_softmax(torch.from_numpy(integers).double() * unit, 1)
    return float(functional.kl_div(deployed, functional.log_softmax(logits, 1), reduction="batchmean", log_target=True))

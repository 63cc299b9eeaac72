"""LUTs, FFs, block RAMs and DSPs of a build, estimated from synthesis runs of other builds.

LUTs and FFs are sums of a few terms, ``a0 + a1*PEs + a2*rows*lanes + a3*requantizers*lanes + a4*C*lanes +
a5*weight_rows*C + a6*slices + a7*shifters``, with coefficients that are not negative and make the relative error on
the known runs least (non-negative least squares). Slices are those of 36 bits and 512 words that the memories need, in
which block RAMs are linear; shifters those of requantizers that an 85F has no multipliers for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from gen.ecp5_arithmetic import product_dsps, shifter_dsps
from gen.ecp5_parts import ECP5_PARTS, slices
from gen.ecp5_tools import requantizer_dsps
from spec.config import AcceleratorConfig
from spec.documents import read_json
from spec.refusal import Refused

__all__ = ["AreaModel", "read_runs"]

#: Resources, as flows.synth names them.
RESOURCES = ("lut", "ff", "bram", "dsp")


def read_runs(path: Path) -> list[dict]:
    """Synthesis runs in ``path``: JSON with ``runs``, each with ``config`` and ``resources``.

    Raises
    ------
    Refused
        If there is no such file, or it holds something else.
    """
    try:
        runs = read_json(path, "Synthesis runs", "flows.synth makes them")["runs"]
        return [
            {"config": AcceleratorConfig.from_json(run["config"]), "resources": _counts(run["resources"])}
            for run in runs
        ]
    except Refused:
        raise
    except (KeyError, TypeError) as error:
        raise Refused(f"File {path} holds no synthesis runs ({error!r}); flows.synth makes them") from None


def _counts(counts: dict) -> dict[str, int]:
    for name in RESOURCES:
        if type(counts[name]) is not int or counts[name] < 0:
            raise TypeError(f"{name} is {counts[name]!r}")
    return dict(counts)


def _terms(config: AcceleratorConfig, resource: str) -> list[float]:
    requantizers, dsp = config.requantizers * config.lanes, ECP5_PARTS["85F"].dsp
    multipliers, most = requantizer_dsps(config, dsp), product_dsps(config.widths) + shifter_dsps(dsp, config.widths)
    if resource == "bram":
        return [1, slices(config)]
    if resource == "dsp":
        return [1, requantizers * multipliers]
    return [
        1, config.pe, config.rows * config.lanes, requantizers, config.word_bytes * config.lanes,
        config.weight_rows * config.word_bytes, slices(config), requantizers * (most - multipliers),
    ]


@dataclass(frozen=True)
class AreaModel:
    """Coefficients by resource, and the largest relative error of what the other runs say of a run.

    A count of which every run has none is none everywhere.
    """

    coefficients: Mapping[str, np.ndarray]
    worst: Mapping[str, float]

    @classmethod
    def fitted(cls, runs: Sequence[dict]) -> "AreaModel":
        """The model of ``runs``, as :func:`read_runs` gives them.

        Raises
        ------
        Refused
            If they are fewer than two.
        """
        if len(runs) < 2:
            raise Refused(f"An area model needs at least two synthesis runs, not {len(runs)}")
        coefficients, worst = {}, {}
        for resource in RESOURCES:
            terms = np.array([_terms(run["config"], resource) for run in runs], float)
            counts = np.array([run["resources"][resource] for run in runs], float)
            weights = 1 / np.maximum(counts, 1)
            scaled, wanted = terms * weights[:, None], counts * weights
            coefficients[resource], _ = nnls(scaled, wanted)
            # With as many terms as runs the fit itself would be perfect, and say nothing.
            told = [nnls(np.delete(scaled, i, 0), np.delete(wanted, i))[0] for i in range(len(runs))]
            worst[resource] = max(abs(float(scaled[i] @ rest - wanted[i])) for i, rest in enumerate(told))
        return cls(coefficients, worst)

    def estimate(self, config: AcceleratorConfig) -> dict[str, int]:
        """Counts by resource of a build."""
        return {name: round(float(np.dot(_terms(config, name), self.coefficients[name]))) for name in RESOURCES}

"""Points of a sweep: builds for a network, their exact cycles, their estimated area; and which of them are best."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from flows.sweep.area import AreaModel
from gen.compile import compile_model
from gen.cycles import predict
from gen.sizing import fitted
from spec.config import AcceleratorConfig
from spec.model import Model
from spec.network import Network
from spec.refusal import Refused
from spec.supermask import Mode
from spec.synthetic import synthetic_model

__all__ = ["Limits", "Point", "candidates", "evaluated", "in_mode", "pareto"]

#: Rows whose weights may be generated a cycle, as shares of all rows.
_WEIGHT_SHARES = (64, 32, 16, 8, 4)

#: Rows that may take turns at one requantizer.
_TURNS = (1, 2, 4)


@dataclass(frozen=True)
class Limits:
    """What a point must keep to: at most so much of each resource, at least so many images a second at ``mhz``."""

    resources: dict[str, int]
    mhz: float
    images_per_s: float = 0.0


@dataclass(frozen=True)
class Point:
    """A build, what it costs and what it gives: ``cycles`` of an image, and in ``misses`` which limits it breaks."""

    mode: str
    config: AcceleratorConfig
    cycles: float
    images_per_s: float
    resources: dict[str, int]
    misses: tuple[str, ...]

    def to_json(self) -> dict:
        """Plain form."""
        config = self.config
        return {
            "mode": self.mode, "pe": config.pe, "groups": config.groups, "rows": config.rows, "lanes": config.lanes,
            "weight_rows": config.weight_rows, "rows_per_requantizer": config.rows_per_requantizer,
            "psum_depth": config.psum_depth, "cycles_per_image": self.cycles,
            "images_per_s": self.images_per_s, "estimated": self.resources, "misses": list(self.misses),
            "config": config.to_json(),
        }


def in_mode(network: Network, mode: Mode) -> Network:
    """``network`` with the masks of its blocks in ``mode``; stem and classifier as they are."""
    first, last = network.layers[0].name, network.layers[-1].name
    return replace(network, modes={
        name: kept if name in (first, last) else mode for name, kept in network.modes.items()
    })


def candidates(sizes: Sequence[int], depths: Sequence[int], lanes: Sequence[int]) -> Iterator[AcceleratorConfig]:
    """Every legal shape of ``sizes`` PEs with these psum depths and lanes, memories as usual."""
    for pe in sizes:
        for lane in lanes:
            for groups in (4, 8, 16, 32, 64):
                rows, rest = divmod(pe, groups * lane)
                if rest:
                    continue
                weight_rows = sorted({max(1, rows // share) for share in _WEIGHT_SHARES})
                for fetched, turns, depth in itertools.product(weight_rows, _TURNS, depths):
                    try:
                        yield AcceleratorConfig(
                            groups=groups, rows=rows, lanes=lane, weight_rows=fetched, rows_per_requantizer=turns,
                            psum_depth=depth,
                        )
                    except Refused:
                        continue  # Not a shape.


def evaluated(model: Model, mode: str, config: AcceleratorConfig, area: AreaModel, limits: Limits) -> Point | None:
    """The point of ``config`` with memories that just fit ``model``; None if no memory can be large enough."""
    try:
        config = fitted(config, model.network)
        program = compile_model(model, config)
    except Refused:
        return None
    cycles = predict(program).total / config.lanes
    rate, resources = 1e6 * limits.mhz / cycles, area.estimate(config)
    misses = [f"{name} {resources[name]:,} of {most:,}" for name, most in limits.resources.items()
              if resources[name] > most]
    if rate < limits.images_per_s:
        misses.append(f"{rate:,.0f} of {limits.images_per_s:,.0f} images/s")
    return Point(mode, config, cycles, rate, resources, tuple(misses))


def pareto(points: Sequence[Point]) -> list[Point]:
    """Those that keep all limits and that no other beats in both LUTs and cycles, cheapest first."""
    front: list[Point] = []
    for point in sorted((p for p in points if not p.misses), key=lambda p: (p.resources["lut"], p.cycles)):
        if not front or point.cycles < front[-1].cycles:
            front.append(point)
    return front


def synthetic(network: Network, mode: Mode) -> Model:
    """A model of ``network`` in ``mode`` with random masks: cycles are those of any other."""
    return synthetic_model(in_mode(network, mode), seed=0, calibration_images=1)

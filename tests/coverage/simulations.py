"""The simulations that coverage of the Verilog and of the features is measured by: a few small builds, run hard."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sim.builds import serial_simulation_of, simulation_of
from sim.crosses import BUILDS, crosses_of, every_cross, networks, possible, why_impossible
from sim.fuzz import Round, coverage
from sim.job import Job
from sim.verilator import Simulation, SimulationFailed, View
from spec.config import AcceleratorConfig, config_for
from spec.model import save
from spec.supermask import Mode
from spec.synthetic import random_images, synthetic_model
from spec.topologies import residual_network, rpg
from tests.coverage.points import KINDS, merged, read, rows_of
from tests.coverage.rows import Row

__all__ = ["ONE_LANE", "RUNS", "Run", "bins", "impossible", "measure"]

ONE_LANE, LANES = BUILDS
_SERIAL, _DIVIDER = config_for(16, mask_bits=6144), 4


@dataclass(frozen=True)
class Run:
    """Some tests of a module of ``sim.bench``, by regular expression; all where there are none."""

    bench: str
    tests: tuple[str, ...] = ()
    plusargs: Mapping[str, object] = field(default_factory=dict)
    seed: int = 1

    @property
    def name(self) -> str:
        """For people, and of its folder."""
        return self.bench


#: Networks that are drawn for the table of features, on each of :data:`BUILDS`.
_NETWORKS = 11

_CROSSES, _RANDOM = Run("crosses"), Run("random_networks", plusargs={"networks": _NETWORKS}, seed=49)

#: What runs on which build: on :data:`LANES`, the first whose Verilog is measured, all that there is.
RUNS: Mapping[str, tuple[Run, ...]] = {
    "lanes": (
        _CROSSES, _RANDOM, Run("streaming", ("given_up", "abort_without", "wrong_chunks", "next_image")),
        Run("misbehaviour"), Run("clearing"), Run("disturbance", ("abort_in_output", "abort_while")),
        Run("protocol", plusargs={"draws": 1, "first": 0, "sequences": 50}),
        Run("random_programs"), Run("upsets", ("flip_single_bits",), {"flips": 140}),
    ),
    "serial": (Run("serial_line", ("a_model", "masks", "noise", "a_host", "abort", "lamps"), {"divider": _DIVIDER}),),
    "one lane": (_CROSSES, _RANDOM),
}


def _build(name: str) -> tuple[AcceleratorConfig, Callable[[], Simulation]]:
    if name == "serial":
        return _SERIAL, lambda: serial_simulation_of(_SERIAL, _DIVIDER, view=View.COVERAGE)
    config, view = (LANES, View.COVERAGE) if name == "lanes" else (ONE_LANE, View.PLAIN)
    return config, lambda: simulation_of(config, view=view)


def _job(config: AcceleratorConfig, folder: Path) -> Path:
    """A model with a ring beside masks, and images, for the benches that take them from their job."""
    network = residual_network("t", image=(5, 4, 1), classes=3, widths=(8,), iterations=(2,), mode=Mode.ONE_OF_FOUR)
    if config.ring_words:
        network = rpg(network, words=23, planes=2)
    model = save(synthetic_model(network, seed=1), folder / "model.safetensors")
    images = folder / "images.npy"
    np.save(images, random_images(network, config.lanes, 1))
    return Job(config, str(model), str(images), seed=1).save(folder / "job.json").resolve()


def _simulate(simulation: Simulation, run: Run, config: AcceleratorConfig, folder: Path) -> None:
    """Run it.

    Raises
    ------
    SimulationFailed
        If one of its tests fails: coverage of what fails says nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "coverage.dat").unlink(missing_ok=True)
    given = {"job": _job(config, folder.resolve()), **run.plusargs}
    cases = simulation.run(f"sim.bench.{run.bench}", folder, tests=run.tests, plusargs=given, seed=run.seed)
    if failed := [case for case in cases if case.failure is not None]:
        raise SimulationFailed(f"{run.name} {failed[0].name}: {failed[0].failure}; see {folder / 'log.txt'}")


def measure(out: Path, tell: Callable[[str], None]) -> dict[str, dict[str, Row]]:
    """All of :data:`RUNS`: rows of lines and toggles of each module, and of the features and crosses that ran.

    ``tell`` is called with the name of each run that begins.

    Raises
    ------
    SimulationFailed
        If a simulation fails.
    """
    dats: list[list[Counter]] = []
    for name, runs in RUNS.items():
        config, build = _build(name)
        tell(f"building {name}")
        simulation = build()
        for run in runs:
            tell(f"{name}: {run.name}")
            _simulate(simulation, run, config, out / name.replace(" ", "-") / run.name)
        if name != "one lane":
            dats.append([read(out / name / run.name / "coverage.dat") for run in runs])
    points = merged(dats)
    return {kind: rows_of(points, kind) for kind in KINDS} | {"bins": bins()}


def bins() -> dict[str, Row]:
    """Crosses of layers by role, and features of networks, that :data:`RUNS` meet if they pass; which they did not.

    What is possible is what :func:`sim.crosses.possible` finds.
    """
    met = set()
    for config in BUILDS:
        for network, bits in networks():
            met |= crosses_of(network, bits, config)
    rows = {
        f"layers: {role}": [cross for cross in sorted(possible()) if cross.role == role]
        for role in sorted({cross.role for cross in possible()})
    }
    drawn = coverage([Round(0, 0, _NETWORKS, config, _RANDOM.seed) for config in BUILDS])
    return {
        name: Row(len(crosses), tuple(str(cross) for cross in crosses if cross not in met))
        for name, crosses in rows.items()
    } | {"networks": Row(len(drawn), tuple(name for name, count in drawn.items() if not count))}


def impossible() -> dict[str, int]:
    """How many crosses of :func:`sim.crosses.every_cross` there cannot be, by what the spec or the compiler says."""
    return dict(Counter(why for why in map(why_impossible, every_cross()) if why is not None).most_common())

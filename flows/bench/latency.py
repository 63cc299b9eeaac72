"""Latency and rate at 4096 PEs: lanes with an image each, and what lanes that share one image would give.

`python -m flows.bench latency`. By the exact cycle model. Lanes of this project have an image each and share weights;
the third row is no build there is: four lanes of 1024 PEs that split the pixels of one image among them. Its model is
that of one lane with tiles four times as deep, of which each run takes a quarter of the cycles; max pools and logits
take those of one lane.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace

from rich.table import Table

from gen.compile import Command, Program, compile_model
from gen.cycles import predict
from gen.sizing import fitted
from spec.config import AcceleratorConfig, config_for
from spec.model import Model
from spec.network import Network
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import resnet

__all__ = ["ROOMS", "add_options", "check", "failed", "inputs", "latency_row", "measure", "split", "tables"]

ROOMS = ("spec", "rtl", "gen", "flows/bench/latency.py")

#: Lanes of 1024 PEs in 4096.
_LANES = 4

#: Networks of the Hidden-Fold paper: depth, image, classes.
_NETWORKS = ((18, 224, 1000), (50, 32, 100))

#: Clock that times are of.
_MHZ = 500


def split(program: Program, lanes: int) -> Program:
    """``program`` as if ``lanes`` lanes shared the pixels of every run: ``ceil(run / lanes)`` cycles each."""
    def shared(pixels: int) -> int:
        return -(-pixels // lanes)

    def of(command: Command) -> Command:
        placed, later = command.placed, tuple(map(of, command.later))
        if placed is None:
            return command
        placed = replace(placed, run=shared(placed.run), last_run=shared(placed.last_run))
        return replace(command, placed=placed, later=later)

    return replace(program, commands=tuple(map(of, program.commands)))


def _cycles(model: Model, config: AcceleratorConfig, share: int = 1) -> int:
    """Cycles of one inference of ``model``, whose pixels ``share`` lanes share."""
    deeper = replace(config, psum_depth=config.psum_depth * share)
    program = compile_model(model, fitted(deeper, model.network))
    return predict(split(program, share) if share > 1 else program).total


def latency_row(network: Network, pe: int, lanes: int) -> dict:
    """Cycles of one image, and images of a million cycles, on ``pe`` PEs: of one lane, of ``lanes`` times as many PEs
    with an image in each lane, and with one image in all of them.
    """
    model, config = synthetic_model(network, seed=0, calibration_images=1), config_for(pe)
    one, together, shared = (
        _cycles(model, config), _cycles(model, replace(config, lanes=lanes)), _cycles(model, config, lanes)
    )
    return {
        "network": network.name, "mode": str(network.layers[1].mode), "pe": pe, "lanes": lanes,
        "builds": [
            {"build": f"{pe} x 1", "latency_cycles": one, "images_per_megacycle": 1e6 / one},
            {"build": f"{pe} x {lanes}, an image each", "latency_cycles": together,
             "images_per_megacycle": 1e6 * lanes / together},
            {"build": f"{pe} x {lanes}, one image", "latency_cycles": shared, "images_per_megacycle": 1e6 / shared},
        ],
    }


def tables(data: dict) -> list[Table]:
    """For people."""
    made = Table("network", "mask", "PEs x lanes", title="Latency of an image, and rate",
                 caption=f"by the cycle model, at {_MHZ} MHz; the last of three is no build there is")
    for column in ("cycles", "ms", "images/s"):
        made.add_column(column, justify="right")
    for row in data["rows"]:
        for build in row["builds"]:
            made.add_row(
                row["network"], row["mode"], build["build"], f"{build['latency_cycles']:,}",
                f"{build['latency_cycles'] / _MHZ / 1000:.3f}", f"{_MHZ * build['images_per_megacycle']:,.0f}",
            )
    return [made]


def add_options(parser: argparse.ArgumentParser) -> None:
    """None."""


def check(arguments: argparse.Namespace) -> None:
    """Nothing to refuse."""


def inputs(arguments: argparse.Namespace) -> dict:
    """Nothing beside the code."""
    return {}


def _networks() -> Sequence[Network]:
    return [
        resnet(depth, name=f"hf-resnet{depth}-{image}", image=image, classes=classes, folded=(3, 4), mode=mode)
        for depth, image, classes in _NETWORKS for mode in (Mode.ANY, Mode.ONE_OF_FOUR)
    ]


def measure(arguments: argparse.Namespace) -> dict:
    """A row for every network and mode."""
    return {"rows": [latency_row(network, 1024, _LANES) for network in _networks()]}


def failed(data: dict) -> bool:
    """Never: there is no goal."""
    return False

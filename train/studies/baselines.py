"""Every baseline of the ring paper's Table 2 and Appendix D at the same degrees of freedom, as one command.

    python -m train.studies.baselines --data DIR --dof 36864 --seeds 0,1,2

All share the same layers; stem, classifier and batch norms are free in each. A baseline that cannot have exactly as
many degrees of freedom has the nearest number below, which the table gives. Indices that must be stored beside them
(codebooks, choices of Lego filters) are a column of their own: rings and hashes store seeds. Deep Compression goes on
from the trained network without sharing, by the same recipe at a tenth of its rate: it alone is trained twice.

Ref: RPG (arXiv:2107.07110), section 5.1, "Comparison to Baselines", Table 2 and Appendix D.
"""

import argparse
from collections.abc import Mapping, Sequence

import torch
from rich.table import Table
from torch import nn

from console.command import CommandParser
from spec.refusal import Refused, run_command
from train.data import Dataset
from train.loop.processes import Processes
from train.loop.settings import Settings
from train.nets.codebook import Codebook
from train.nets.hypernet import HyperNetwork
from train.nets.lego import Lego
from train.nets.ring_net import RpgResNet
from train.nets.ring_plan import shared_out
from train.studies.sharing import METHODS
from train.studies.trained import kept_row, train_on
from train.studies.variants import VANILLA, judged_by, mean_and_deviation, publish, ring_parser, seeds_of, settings_of

__all__ = ["MADE", "NAMES", "compressed", "main", "parser", "sourced"]

#: What makes the weights of slots from degrees of freedom, by the name of the baseline.
MADE = {"lego": Lego, "hypernetwork": HyperNetwork}

_RINGS = ("rpg", "rpg-stages", "random-sharing", "hashing-trick")

#: Rows of the table.
NAMES = (*_RINGS, *MADE, "deep-compression", "vanilla")


def sourced(model: RpgResNet, source: nn.Module) -> RpgResNet:
    """``model`` with its weights drawn from ``source`` instead of its rings."""
    model.rings = nn.ModuleList([source])
    return model


def compressed(vanilla: RpgResNet, model: RpgResNet, dof: int) -> RpgResNet:
    """``model`` with all that the trained ``vanilla`` has, what it would draw from codebooks of ``dof`` values in all.
    """
    counts = {slot.name: slot.weight_count for ring in model.rings for slot in ring.slots}
    weights = {
        layer.name: vanilla.convolutions[layer.index].weight for layer in vanilla.network.layers if layer.name in counts
    }
    model.load_state_dict(vanilla.state_dict(), strict=False)  # All but what is drawn.
    return sourced(model, Codebook(weights, shared_out(dof, counts, 1)))


def _account(model: RpgResNet, accuracy: float) -> dict:
    """A row of the table."""
    source = model.rings[0]
    if isinstance(source, (Lego, HyperNetwork, Codebook)):
        return {"accuracy": accuracy, "dof": source.dof, "index_bits": source.index_bits}
    return {"accuracy": accuracy, "dof": sum(ring.size for ring in model.rings), "index_bits": 0}


def _row(
    name: str, settings: Mapping[str, Settings], dataset: Dataset, processes: Processes, trained: dict[str, RpgResNet]
) -> dict:
    """Train baseline ``name``; ``trained`` holds the network without sharing, once there is one."""
    own = settings.get(name, settings["rpg"])
    label, dof = f"{name}, seed {own.seed}", settings["rpg"].model.rings.dof
    model = own.untrained(dataset)
    if name in MADE:
        slots = [slot for ring in model.rings for slot in ring.slots]
        model = sourced(model, MADE[name](slots, dof, generator=torch.Generator().manual_seed(own.seed)))
    if name not in ("deep-compression", "vanilla"):
        return _account(model, train_on(model, own, dataset, processes, label))
    if not trained:
        vanilla = settings["vanilla"].untrained(dataset)
        accuracy = train_on(vanilla, settings["vanilla"], dataset, processes, f"vanilla, seed {own.seed}")
        trained |= {"network": vanilla, "accuracy": accuracy}
    if name == "vanilla":
        free = sum(trained["network"].network.layer(layer).weight_count for layer in _drawn(settings, dataset))
        return {"accuracy": trained["accuracy"], "dof": free, "index_bits": 0}
    model = compressed(trained["network"], model, dof)
    return _account(model, train_on(model, own, dataset, processes, label, rate=0.1))


def _drawn(settings: Mapping[str, Settings], dataset: Dataset) -> list[str]:
    """Names of the layers that share weights."""
    return [slot.name for ring in settings["rpg"].untrained(dataset).rings for slot in ring.slots]


def parser() -> CommandParser:
    """The command line."""
    return ring_parser("baselines", __doc__.splitlines()[0], dof=36864, jobs=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    rows = [row for seed in _seeds(arguments) for row in _of_seed(arguments, seed)]
    table = Table("weights from", title=f"{arguments.dof:,} degrees of freedom", show_edge=False)
    for column in ("accuracy, %", "DoF", "bits of indices"):
        table.add_column(column, justify="right")
    for name in NAMES:
        mine = [row for row in rows if row["what"] == name]
        table.add_row(name, mean_and_deviation([row["accuracy"] for row in mine]), f"{mine[0]['dof']:,}",
                      f"{mine[0]['index_bits']:,}")
    return publish(arguments, {"rows": rows}, table)


def _seeds(arguments: argparse.Namespace) -> Sequence[int]:
    if not arguments.dof:
        raise Refused("Baselines share degrees of freedom; give --dof, from 1 on")
    return seeds_of(arguments)


def _of_seed(arguments: argparse.Namespace, seed: int) -> list[dict]:
    """All rows of one seed."""
    settings = {name: settings_of(arguments, METHODS[name], seed) for name in _RINGS}
    settings["vanilla"] = settings_of(arguments, VANILLA, seed)
    own = settings["rpg"]
    if not own.model.residual:
        raise Refused(f"Baselines are of residual networks, not of a {own.model.network}; give --network small")
    dataset, processes, trained = judged_by(own, arguments.data), Processes.start(arguments.device), {}
    return [
        {"what": name, "seed": seed} | kept_row(
            arguments.out, f"{name}-{seed}", settings.get(name, own), dataset,
            lambda name=name: _row(name, settings, dataset, processes, trained),
        )
        for name in NAMES
    ]


if __name__ == "__main__":
    run_command(main)

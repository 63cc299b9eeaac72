"""Stretching: a trained network whose recurrent blocks run more or fewer iterations than they were trained for.

    python -m train.studies.stretch --checkpoint build/train/digits/checkpoint.pt --by=-2,-1,0,1,2

Ref: Hidden-Fold Networks (IEEE Access 2023), section IV-E. The paper stretches networks with shared batch norms only;
here iterations beyond the trained ones of an unshared batch norm start as copies of the last one.
"""

import argparse
import copy
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import nn

from spec.files import write_text
from spec.network import Block
from spec.refusal import Refused, run_command
from train.data import Dataset, load_dataset
from train.data.dataset import Images
from train.loop import checkpoint
from train.loop.options import integers
from train.loop.trainer import accuracy
from train.nets.model import HiddenFoldNet

__all__ = ["main", "recalibrate", "stretch", "sweep"]


def stretch(model: HiddenFoldNet, iterations: Mapping[str, int]) -> HiddenFoldNet:
    """A copy of ``model`` whose recurrent blocks run as often as ``iterations`` says, by block name.

    An iteration that was not trained uses the batch norm of the last one that was; :func:`recalibrate` gives it
    statistics of its own. With 0 iterations the block is left out.

    Raises
    ------
    Refused
        If there is no such recurrent block, or a count is negative.
    """
    network = model.network
    known = [block.name for block in network.blocks if block.iterations > 1]
    for name, count in iterations.items():
        if name not in known:
            raise Refused(f"Network {network.name!r} has no recurrent block {name!r} to stretch; it has {known}")
        if count < 0:
            raise Refused(f"Block {name} cannot run {count} iterations; give 0 or more")
    stretched = copy.deepcopy(model)
    stretched.iterations |= iterations
    # What is left out stays in the description, because seeds go by the position of a layer.
    blocks = tuple(_with(block, iterations.get(block.name, 0) or block.iterations) for block in network.blocks)
    stretched.network = dataclasses.replace(network, blocks=blocks)
    for layer in stretched.network.layers:
        norms = stretched.convolutions[layer.index].norms
        if len(norms) > 1:  # Unshared.
            norms.extend(copy.deepcopy(norms[-1]) for _ in range(layer.iterations - len(norms)))
    return stretched


def _with(block: Block, iterations: int) -> Block:
    return dataclasses.replace(block, iterations=iterations)


@torch.no_grad()
def recalibrate(model: HiddenFoldNet, images: Images, batch: int = 256) -> None:
    """Measure the statistics of all batch norms of ``model`` again, on uint8 ``images`` (n, H, W, C).

    They become the plain average over batches, and over the iterations that share a batch norm. Nothing else changes.
    """
    batch_norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in batch_norms]
    was_training = model.training
    for norm in batch_norms:
        norm.reset_running_stats()
        norm.momentum = None  # Averages over all calls since the reset.
    model.train()
    parts = -(-len(images) // batch)
    for chosen in np.array_split(np.arange(len(images)), parts):  # None much smaller than the others.
        model(torch.from_numpy(images[chosen]))
    for norm, momentum in zip(batch_norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


def sweep(model: HiddenFoldNet, dataset: Dataset, offsets: Sequence[int], calibration: int) -> list[dict]:
    """Held-out accuracy with each recurrent block stretched by each of ``offsets``, one block at a time (Fig. 16).

    Parameters
    ----------
    calibration : int
        Training images, from the first, to measure statistics on.

    Returns
    -------
    list of dict with ``block``, ``trained`` and ``iterations``, ``reused`` (accuracy with the statistics of training)
    and ``recalibrated`` (with statistics measured again); counts below 0 are left out.
    """
    rows = []
    for block in model.network.blocks:
        if block.iterations == 1:
            continue
        for iterations in (block.iterations + offset for offset in offsets):
            if iterations < 0:
                continue
            stretched = stretch(model, {block.name: iterations}).eval()
            row = {"block": block.name, "trained": block.iterations, "iterations": iterations}
            row["reused"] = round(accuracy(stretched, dataset.test_images, dataset.test_labels), 6)
            recalibrate(stretched, dataset.train_images[:calibration])
            row["recalibrated"] = round(accuracy(stretched, dataset.test_images, dataset.test_labels), 6)
            rows.append(row)
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    parser = argparse.ArgumentParser(
        prog="python -m train.studies.stretch",
        description="Accuracy of a trained network with other iteration counts.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--checkpoint", type=Path, default=Path("build/train/digits/checkpoint.pt"), help="written by train.fit")
    add("--by", type=integers, default=(-2, -1, 0, 1, 2), help="iterations more than trained, as in --by=-1,0,1")
    add("--calibration", type=int, default=512, help="training images that statistics are measured on again")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files")
    add("--out", type=Path, default=Path("build/stretch.json"), help="file to write")
    add("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args(argv)
    state = checkpoint.load(arguments.checkpoint)
    dataset = load_dataset(state["settings"]["dataset"], arguments.data)
    if not 2 <= arguments.calibration <= len(dataset.train_images):
        limit = len(dataset.train_images)
        raise Refused(f"Option --calibration must be from 2 to {limit} images, not {arguments.calibration}")
    rows = sweep(checkpoint.restore(state), dataset, arguments.by, arguments.calibration)
    if not rows:
        raise Refused(f"Checkpoint {arguments.checkpoint} has no recurrent block to stretch; train a folded network")
    text = json.dumps({"schema_version": 1, "rows": rows}, indent=2) + "\n"
    written = write_text(arguments.out, text)
    if arguments.json:
        print(text, end="")
        return 0
    table = Table("block", title="Held-out accuracy after stretching")
    for column in ("trained", "run", "statistics reused", "recalibrated"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["block"], str(row["trained"]), str(row["iterations"]), f"{row['reused']:.2%}",
            f"{row['recalibrated']:.2%}",
        )
    Console().print(table)
    print(written)
    return 0


if __name__ == "__main__":
    run_command(main)

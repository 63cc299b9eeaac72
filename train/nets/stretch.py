"""Stretching: a network whose recurrent blocks run more or fewer iterations than they were trained for.

Ref: Hidden-Fold Networks (IEEE Access 2023), section IV-E. The paper stretches networks with shared batch norms only;
here iterations beyond the trained ones of an unshared batch norm start as copies of the last one.
"""

import copy
import dataclasses
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from spec.block import Block
from spec.refusal import Refused
from train.data.dataset import Images
from train.nets.model import ResidualNet

__all__ = ["recalibrate", "stretch"]


def stretch(model: ResidualNet, iterations: Mapping[str, int]) -> ResidualNet:
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
def recalibrate(model: ResidualNet, images: Images, batch: int = 256) -> None:
    """Measure the statistics of all batch norms of ``model`` again, on uint8 ``images`` (n, H, W, C).

    They become the plain average over batches, and over the iterations that share a batch norm. Nothing else changes.
    """
    batch_norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    device = next(model.parameters()).device
    momenta = [norm.momentum for norm in batch_norms]
    was_training = model.training
    for norm in batch_norms:
        norm.reset_running_stats()
        norm.momentum = None  # Averages over all calls since the reset.
    model.train()
    parts = -(-len(images) // batch)
    for chosen in np.array_split(np.arange(len(images)), parts):  # None much smaller than the others.
        model(torch.from_numpy(images[chosen]).to(device))
    for norm, momentum in zip(batch_norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)

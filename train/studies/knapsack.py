"""Global filter pruning as a knapsack: the coarse-grained baseline of Table 7.

Which filters of the whole network stay is chosen at once: the importance of those that do is the largest that any
choice has whose operations do not exceed a target. Importance is what the loss would change to first order, if a gate
behind the filter's batch norm closed: ``|sum over a batch of (gamma dL/dgamma + beta dL/dbeta)|``. (Aflalo et al. take
``|sum w dL/dw|``, which is 0 before a batch norm; and they distil while they train on, which is left out here.)

Ref: Aflalo et al., Knapsack Pruning with Inner Distillation (arXiv:2002.08258), section 3; Molchanov et al., Importance
Estimation for Neural Network Pruning, CVPR 2019, for gates; RPG (arXiv:2107.07110), section 5.5.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from spec.layer import Role
from spec.refusal import Refused
from train.nets.ring_net import RpgResNet
from train.studies.pruning import flops, kept_filters, remove_filters

__all__ = ["chosen_counts", "importances", "knapsack_filters"]

#: Units that a target is counted in, at most.
_UNITS = 20_000


def importances(model: RpgResNet, images: np.ndarray, labels: np.ndarray, batch: int = 100) -> dict[int, np.ndarray]:
    """Importance of every filter inside a block, by the index of its layer: mean over batches of ``images``."""
    device = next(model.parameters()).device
    inner = [layer for layer in model.network.layers if layer.role is Role.INNER]
    totals = {layer.index: np.zeros(layer.outputs) for layer in inner}
    model.eval()
    for start in range(0, len(images), batch):
        part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).to(device)
        loss = functional.cross_entropy(model(part), torch.from_numpy(labels[start : start + batch]).to(device))
        for layer in inner:
            norms = model.convolutions[layer.index].norms
            learned = [value for norm in norms for value in (norm.weight, norm.bias)]
            gradients = torch.autograd.grad(loss, learned, retain_graph=True)
            closed = sum((value * gradient).detach() for value, gradient in zip(learned, gradients, strict=True))
            totals[layer.index] += closed.abs().cpu().numpy() * len(part) / len(images)
    return totals


def chosen_counts(values: Sequence[np.ndarray], costs: Sequence[int], budget: int) -> list[int]:
    """How many of each group's largest ``values`` stay, at least one each, so that their sum is the largest there is at
    a cost of at most ``budget``; one of group i costs ``costs[i]``.

    Exact where the costs divide by ``budget / 20000``, otherwise they are rounded up to that unit.

    Raises
    ------
    Refused
        If one of each group is too much.
    """
    unit = max(int(np.gcd.reduce(costs)), -(-budget // _UNITS))
    prices, most = [-(-cost // unit) for cost in costs], budget // unit
    if sum(prices) > most:
        raise Refused(f"One filter of each layer is more than the target leaves ({budget:,}); give a larger --flops")
    best = np.zeros(most + 1)  # By what is spent at most.
    taken = []
    for group, price in zip(values, prices, strict=True):
        found, choice = np.full(most + 1, -np.inf), np.zeros(most + 1, int)
        sums = np.cumsum(np.sort(group)[::-1])
        for count in range(1, min(len(group), most // price) + 1):
            with_these = np.full(most + 1, -np.inf)
            with_these[count * price :] = best[: most + 1 - count * price] + sums[count - 1]
            better = with_these > found
            found, choice = np.where(better, with_these, found), np.where(better, count, choice)
        best = found
        taken.append(choice)
    left, counts = most, []
    for choice, price in zip(reversed(taken), reversed(prices), strict=True):
        counts.append(int(choice[left]))
        left -= counts[-1] * price
    return counts[::-1]


def knapsack_filters(model: RpgResNet, importance: dict[int, np.ndarray], target: int) -> int:
    """Remove filters so that at most ``target`` FLOPs are left and the most ``importance`` stays; returns what is left.

    ``model`` is not pruned yet. A filter costs its own operations and those of the layer that reads it, at their full
    width; where two layers that are pruned follow each other, the budget is lowered until the true count holds.

    Raises
    ------
    Refused
        If even one filter per layer is too many.
    """
    network = model.network
    full = kept_filters(model)
    inner = [layer for layer in network.layers if layer.role is Role.INNER]
    whole = flops(network, full)
    costs = [whole - flops(network, full | {layer.name: full[layer.name] - 1}) for layer in inner]
    fixed = whole - sum(cost * full[layer.name] for cost, layer in zip(costs, inner, strict=True))
    budget = target - fixed
    while True:
        counts = chosen_counts([importance[layer.index] for layer in inner], costs, max(budget, 0))
        left = flops(network, full | {layer.name: n for layer, n in zip(inner, counts, strict=True)})
        if left <= target:
            break
        budget -= max(left - target, 1)
    remove_filters(model, {
        layer.index: np.argsort(importance[layer.index], kind="stable")[: layer.outputs - count].tolist()
        for layer, count in zip(inner, counts, strict=True)
    })
    return left

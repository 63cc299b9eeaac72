"""Iterative magnitude pruning with rewinding: the fine-grained baseline of Table 6.

A network is trained; the smallest of its weights go; those that stay are set back to what they were early in training,
and training goes on from there; again, until few enough are left.

Ref: Frankle et al., Stabilizing the Lottery Ticket Hypothesis (arXiv:1903.01611), sections 2 and 3; RPG
(arXiv:2107.07110), section 5.5.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import nn

from spec.refusal import Refused
from train.loop.trainer import Trainer
from train.nets.ring_net import RpgResNet
from train.studies.pruning import keep, kept_of

__all__ = ["imp", "prune_weights", "weights_left"]


def weights_left(layers: Sequence[nn.Module]) -> int:
    """Weights of ``layers`` that are not pruned."""
    return sum(
        layer.weight.numel() if (kept := kept_of(layer, "weight")) is None else int(kept.sum()) for layer in layers
    )


def prune_weights(layers: Sequence[nn.Module], count: int) -> None:
    """Of all weights of all ``layers`` only the ``count`` of largest magnitude stay; ties go to the lower index.

    Raises
    ------
    Refused
        If there are fewer than that.
    """
    have = weights_left(layers)
    if not 1 <= count <= have:
        raise Refused(f"Layers of {have} weights cannot be pruned to {count}; give --prune-dof from 1 to {have}")
    parts = []
    for layer in layers:
        magnitudes, kept = layer.weight.detach().abs(), kept_of(layer, "weight")
        parts.append((magnitudes if kept is None else magnitudes.where(kept, -1.0)).flatten())
    stays = torch.zeros(sum(len(part) for part in parts), dtype=torch.bool, device=parts[0].device)
    stays[torch.cat(parts).argsort(descending=True, stable=True)[:count]] = True
    for layer, part in zip(layers, stays.split([len(part) for part in parts]), strict=True):
        keep(layer, "weight", part.view(layer.weight.shape))


def imp(
    model: RpgResNet, layers: Sequence[str], count: int, rounds: int, rewind: int,
    trainer_of: Callable[[RpgResNet, str], Trainer],
) -> tuple[float, float, RpgResNet]:
    """Train ``model``, then prune its ``layers`` to ``count`` weights in ``rounds`` and leave it trained.

    Every round takes the same share of what is left, and goes on from the state after ``rewind`` epochs: weights,
    norms, optimizer and learning rate. Returns the held-out accuracy before any pruning and after the last, and a copy
    of the network as it was before.

    Parameters
    ----------
    trainer_of : function of a network and a text
        The trainer of that network, the text being what the round is called; it need not have run.

    Raises
    ------
    Refused
        If there is nothing to rewind to, or nothing left to train after it.
    """
    chosen = [model.convolutions[layer.index] for layer in model.network.layers if layer.name in layers]
    start = weights_left(chosen)
    prune_weights(chosen, start)  # All stay, but from now on the state has the form of a pruned one.
    early = {}

    def save(state: dict) -> None:
        if state["epoch"] == rewind and not state["step"]:
            early.update(copy.deepcopy(state))

    trainer = trainer_of(model, "dense")
    if not 1 <= rewind < trainer.recipe.epochs:
        raise Refused(
            f"Weights are rewound to the end of an epoch before the last of {trainer.recipe.epochs}, not to {rewind}; "
            f"give --rewind from 1 to {trainer.recipe.epochs - 1}"
        )
    trainer.save = save
    before = after = trainer.run()[-1]["held_out_accuracy"]
    dense = copy.deepcopy(model)
    for done in range(1, rounds + 1):
        prune_weights(chosen, round(start * (count / start) ** (done / rounds)))
        masks = {name: value for name, value in model.state_dict().items() if name.endswith(".kept")}
        trainer = trainer_of(model, f"round {done}")
        trainer.state = copy.deepcopy(early)
        trainer.state["model"] |= masks
        after = trainer.run()[-1]["held_out_accuracy"]
    model.eval()
    return before, after, dense.eval()

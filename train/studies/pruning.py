"""Pruning: values of the ring (fewer degrees of freedom) and whole filters (fewer operations).

Ref: RPG (arXiv:2107.07110), section 5.5. The paper's code prunes the weights that are drawn, which leaves the degrees
of freedom as they are; here the ring itself loses values.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from spec.layer import Layer, Role
from spec.network import Network
from spec.refusal import Refused
from train.nets.ring import Ring
from train.nets.ring_net import RpgResNet

__all__ = [
    "Kept", "flops", "keep", "kept_filters", "kept_of", "prune_filters", "prune_ring", "remove_filters", "ring_dof",
]


class Kept(nn.Module):
    """Parametrization ``v * kept``: what is pruned is 0, gets no gradient and stays 0.

    Parameters
    ----------
    kept : bool tensor, shape of the parameter
    """

    def __init__(self, kept: Tensor):
        super().__init__()
        self.register_buffer("kept", kept)

    def forward(self, values: Tensor) -> Tensor:
        """``values`` with zeros for what is pruned."""
        return values * self.kept


def kept_of(module: nn.Module, name: str) -> Tensor | None:
    """What pruning has left of parameter ``name`` of ``module``: bool tensor of its shape, None if it is whole."""
    if parametrize.is_parametrized(module, name):
        for step in module.parametrizations[name]:
            if isinstance(step, Kept):
                return step.kept
    return None


def keep(module: nn.Module, name: str, kept: Tensor) -> None:
    """Keep only ``kept`` of parameter ``name`` of ``module``, from now on."""
    before = kept_of(module, name)
    if before is None:
        parametrize.register_parametrization(module, name, Kept(kept.clone()))
    else:
        before &= kept


def ring_dof(ring: Ring) -> int:
    """Values of ``ring`` that are not pruned."""
    kept = kept_of(ring, "free")
    return ring.size if kept is None else int(kept.sum())


def prune_ring(rings: list[Ring], dof: int) -> None:
    """Fine-grained pruning: of all values of all ``rings`` only the ``dof`` of largest magnitude stay (Table 6).

    Ties go to the lower index. Pruning again goes on from what is left, so that a schedule of several rounds with
    training between them is a loop.

    Raises
    ------
    Refused
        If there are fewer values than that.
    """
    have = sum(ring_dof(ring) for ring in rings)
    if not 1 <= dof <= have:
        raise Refused(f"Rings of {have} values cannot be pruned to {dof}; give --prune-dof from 1 to {have}")
    magnitudes = torch.cat([_magnitudes(ring) for ring in rings])
    kept = torch.zeros(len(magnitudes), dtype=torch.bool, device=magnitudes.device)
    kept[magnitudes.argsort(descending=True, stable=True)[:dof]] = True
    for ring, part in zip(rings, kept.split([ring.size for ring in rings]), strict=True):
        keep(ring, "free", part.view(1, -1))


def _magnitudes(ring: Ring) -> Tensor:
    """Magnitudes of the values of ``ring`` (M,); -1 for those already pruned."""
    magnitudes, kept = ring.free.detach().abs(), kept_of(ring, "free")
    return (magnitudes if kept is None else magnitudes.where(kept, -1.0)).flatten()


def kept_filters(model: RpgResNet) -> dict[str, int]:
    """Filters (output channels) that are left in every layer, by name."""
    found = {}
    for layer, convolution in zip(model.network.layers, model.convolutions, strict=True):
        kept = kept_of(convolution.norms[0], "weight") if len(convolution.norms) else None
        found[layer.name] = layer.outputs if kept is None else int(kept.sum())
    return found


def flops(network: Network, filters: dict[str, int]) -> int:
    """Multiply-accumulates of an image (what the paper counts as FLOPs) if each layer has that many ``filters`` left.

    Filters of a layer that is read by the next of its block only take that one's input channels with them.
    """
    total = 0
    for step in network.steps:
        layer = step.layer
        if layer.role is Role.POOL:
            continue
        source = None if step.source is None else network.steps[step.source].layer
        inputs = filters[source.name] if source is not None and source.role is Role.INNER else layer.inputs
        total += layer.macs // layer.outputs // layer.inputs * filters[layer.name] * inputs
    return total


def prune_filters(model: RpgResNet, target: int) -> int:
    """Coarse-grained pruning: remove the filters of lowest l1 norm until at most ``target`` FLOPs are left (Table 7).

    Only filters inside blocks can go: the others write the residual stream, which all blocks share. Norms are compared
    relative to the mean of their layer, because the scale of a layer is that of its fan-in; each keeps one filter. A
    removed filter's batch norms give exactly 0 from now on, through further training. Returns the FLOPs left.

    Raises
    ------
    Refused
        If even one filter per layer is too many.
    """
    network = model.network
    filters = kept_filters(model)
    inner = [layer for layer in network.layers if layer.role is Role.INNER]
    floor = flops(network, filters | {layer.name: 1 for layer in inner})
    if target < floor:
        raise Refused(f"Network {network.name} keeps {floor:,} FLOPs with one filter per layer, above {target:,}")
    ranked = sorted(
        (norm, layer.index, channel) for layer in inner
        for channel, norm in enumerate(_relative_norms(model, layer)) if norm >= 0
    )
    gone: dict[int, list[int]] = {layer.index: [] for layer in inner}
    left = flops(network, filters)
    for _, index, channel in ranked:
        if left <= target:
            break
        name = network.layers[index].name
        if filters[name] > 1:
            filters[name] -= 1
            gone[index].append(channel)
            left = flops(network, filters)
    remove_filters(model, gone)
    return left


def remove_filters(model: RpgResNet, gone: Mapping[int, Sequence[int]]) -> None:
    """Remove filters by number, of layers by index: their batch norms give exactly 0 from now on."""
    for index, channels in gone.items():
        kept = torch.ones(model.network.layers[index].outputs, dtype=torch.bool)
        kept[list(channels)] = False
        for norm in model.convolutions[index].norms:
            for name in ("weight", "bias"):
                keep(norm, name, kept.to(norm.running_var.device))


@torch.no_grad()
def _relative_norms(model: RpgResNet, layer: Layer) -> list[float]:
    """l1 norm of every filter of ``layer`` over the mean of the layer; -1 for those already removed."""
    norms = model.effective_weights()[layer.index].abs().sum((1, 2, 3))  # (M,)
    relative = norms / norms.mean()
    kept = kept_of(model.convolutions[layer.index].norms[0], "weight")
    if kept is not None:
        relative[~kept] = -1
    return relative.tolist()

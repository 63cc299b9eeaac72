"""From a trained network and the scales of its activations to the integer model: batch norms folded into entries.

Ref: docs/design/numbers.md.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from spec.layer import Layer, Role
from spec.model import Model
from spec.network import Network
from spec.numerics import Requantization, accumulator_bounds, fold
from spec.refusal import Refused
from spec.ring import PLANES_MAX, RING_WORD, Ring, limit, unpack
from spec.topologies import drawn
from train.deploy.stored_signs import ring_values, with_stored_signs
from train.nets.addressing import Addressing
from train.nets.layers import Convolution
from train.nets.model import ResidualNet
from train.nets.norms import FoldedNorm
from train.nets.ring_net import DrawnConv, RpgResNet
from train.nets.ring_plan import Rings
from train.nets.scales import Scales, read_steps
from train.nets.weights import Weights

__all__ = ["entries_of", "quantize"]

#: How far a sum may be from its mean and still not move what a dead filter stores.
_DEVIATIONS = 8.0


def quantize(model: ResidualNet, scales: Scales, provenance: dict) -> Model:
    """Integer model of a trained network: its masks and rounded rings as they are, its batch norms as 32-bit entries.

    The scale of a layer goes into its entries. A layer with signs of its own becomes one that draws from a ring of its
    own (:mod:`train.deploy.stored_signs`).

    Raises
    ------
    Refused
        If the network is of a kind the accelerator has not, or, naming the layer, if a batch norm fits no entry or an
        accumulator could wrap.
    """
    _refuse_foreign(model)
    network, rings = _stored_rings(model)
    read = read_steps(network, scales)
    masks, entries = {}, {}
    for users in network.users.values():
        layer = users[0]
        convolution = model.convolutions[layer.index]
        if layer.ring is None:
            masks[layer.name] = convolution.mask().numpy()
            weights = convolution.trits()
        else:
            weights = unpack(rings[layer.ring.name], layer.shape, network.draws[layer.name], network.seed_of(layer))
        if layer.role is not Role.CLASSIFIER:
            units = {user.name: convolution.sigma * read[user.name] for user in users}
            entries |= entries_of({user: model.convolutions[user.index] for user in users}, weights, units, scales)
    return Model(network, masks, entries, provenance, rings)


def _stored_rings(model: ResidualNet) -> tuple[Network, dict[str, np.ndarray]]:
    """The network of ``model`` with all rings that it is stored with, and their values."""
    if isinstance(model, RpgResNet):
        rings = (
            Ring(ring.name, ring.size // RING_WORD, ring.planes, tuple(slot.name for slot in ring.slots))
            for ring in model.rings
        )
        return drawn(model.network, *rings), {ring.name: ring.integers for ring in model.rings}
    own = [layer for layer in model.network.layers if model.convolutions[layer.index].own_signs]
    if not own:
        return model.network, {}
    stored = {layer.name: model.convolutions[layer.index].stored() for layer in own}
    network = with_stored_signs(model.network, {name: _planes(weights) for name, weights in stored.items()})
    return network, {name: ring_values(network, network.layer(name), weights) for name, weights in stored.items()}


def _planes(weights: np.ndarray) -> int:
    """The fewest planes that hold ``weights``."""
    largest = int(np.abs(weights).max())
    return next(planes for planes in range(1, PLANES_MAX + 1) if limit(planes) >= largest)


def _refuse_foreign(model: ResidualNet) -> None:
    """Refuse what no integer model can hold, naming the option it comes from."""
    config = model.config
    where = f"Network {model.network.name!r} cannot be exported"
    rings = config.rings or Rings()
    if rings.addressing is not Addressing.WORD or not rings.flips:
        raise Refused(
            f"{where}: its rings are addressed by {rings.addressing}{'' if rings.flips else ' without flips'}; train "
            "with --addressing word and flips"
        )
    own = model.network.own_layers
    masked = [layer for layer in own if not isinstance(model.convolutions[layer.index], DrawnConv)]
    if masked and not config.method.masks:
        raise Refused(
            f"{where}: --method {config.method} learns dense weights, as those of {masked[0].name}; train with "
            "--method hnn or hfn"
        )
    if masked and config.weights is not Weights.LFSR:
        raise Refused(
            f"{where}: the accelerator cannot make weights of --weights {config.weights} again; train with --weights "
            f"{Weights.LFSR}"
        )
    if config.bias:
        raise Refused(f"{where}: the accelerator has no place for learned biases; train without --bias")
    if any(convolution.surround is not None for convolution in model.convolutions):
        raise Refused(f"{where}: its images are surrounded by a color, but the accelerator pads with black; clear "
                      "surround and measure what that costs")
    folded = any(block.iterations > 1 for block in model.network.blocks)
    if folded and not config.norm.is_batch_norm:
        kinds = ", ".join(kind for kind in FoldedNorm if kind.is_batch_norm)
        raise Refused(
            f"{where}: --norm {config.norm} depends on each image, but an entry is constant; train with one of {kinds}"
        )
    for block in model.network.blocks:
        if model.iterations[block.name] != block.iterations:
            raise Refused(
                f"{where}: block {block.name} was left out by stretching it to {model.iterations[block.name]} "
                "iterations; keep at least 1"
            )


def entries_of(
    users: Mapping[Layer, Convolution], weights: np.ndarray, units: Mapping[str, float], scales: Scales
) -> dict[str, Requantization]:
    """Batch norms of the layers ``users``, with what each is trained as, as entries, by name.

    All have the same ``weights``, and so get the same shifts. The convolution of each is ``unit * acc``, its batch norm
    ``a*conv + b``, its stored value that over ``step``: ``y = acc * (a * unit / step) + b / step``.

    Parameters
    ----------
    weights : int8 array (M, K, K, N)
        A scale times these is what the layers were trained with.
    units : mapping of layer name to float
        That scale times what a step of what the layer reads is worth (:func:`train.nets.scales.read_steps`).
    """
    first = next(iter(users))
    bounds = accumulator_bounds(weights, largest=scales.largest_input(first))
    gains, offsets, dead, betas = (np.concatenate(part) for part in zip(*(
        _normalized(layer, convolution, units[layer.name], scales.steps[layer.name])
        for layer, convolution in users.items()
    ), strict=True))  # (iterations of all, M) each
    constant = _constant(gains, dead, bounds)
    together = fold(
        np.where(constant, 0.0, gains), np.where(constant, betas, offsets), *bounds,
        where=first.name, residual_range=scales.residual_range(first),
        residual_shift=scales.residual_shifts.get(first.name, 0), signed=first.role.signed, bits=scales.bits,
        z_bits=first.widths.z,
    )
    parts = together.split([layer.iterations for layer in users])
    return {layer.name: part for layer, part in zip(users, parts, strict=True)}


def _normalized(
    layer: Layer, convolution: Convolution, unit: float, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What the batch norms of ``layer`` are in steps that it stores: factor of an accumulator, offset, whether a filter
    is dead, and what it puts out then; (iterations, M) each.

    A filter is dead if its sums hardly move what it stores: :data:`_DEVIATIONS` of them by less than half a step.
    """
    norms = [convolution.norm_of(t) for t in range(layer.iterations)]
    a, b = (np.stack(part) for part in zip(*map(_affine, norms), strict=True))
    variance = np.stack([norm.running_var.double().numpy() for norm in norms])
    beta = np.stack([
        norm.bias.detach().double().numpy() if norm.affine else np.zeros(layer.outputs) for norm in norms
    ])
    return a * (unit / step), b / step, _DEVIATIONS * np.abs(a) * np.sqrt(variance) < step / 2, beta / step


def _constant(gains: np.ndarray, dead: np.ndarray, bounds: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Which filters are stored as the beta they always put out: bool (iterations, M).

    The factor of a ``dead`` one, ``gamma / sqrt(variance + eps)``, can be hundreds of times the others', and a shift
    that suits it leaves them no precision; so the dead whose factor is larger than that of all others are constant.
    """
    low, high = bounds
    living = np.abs(gains[~dead & ((low != 0) | (high != 0))])
    return dead & (np.abs(gains) > living.max(initial=0.0))


def _affine(norm: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """``a, b`` (M,), float64, of a batch norm as it evaluates ``a*x + b``, by its running statistics."""
    a = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
    beta = torch.zeros_like(a)
    if norm.affine:
        a = a * norm.weight.detach().double()
        beta = norm.bias.detach().double()
    return a.numpy(), (beta - norm.running_mean.double() * a).numpy()

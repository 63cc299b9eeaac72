"""From a trained network to the integer model: activation scales by calibration, batch norms folded into entries.

Scales are ``max / 255`` over calibration images. All block outputs of a stage, over all blocks and iterations, share
one, so that an identity residual is exact; an inner convolution of a block has one for all its iterations, and the max
pool has that of what it reads. A projection shortcut is stored signed, in steps of a power of two times its stage's.

Ref: docs/design.md, section 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from spec.model import Model
from spec.network import Layer, Network, Role
from spec.numerics import PIXEL_MAX, Requantization, accumulator_bounds, fold, output_range
from spec.refusal import Refused
from train.layers import Convolution
from train.model import HiddenFoldNet, ResidualNet
from train.norms import FoldedNorm
from train.weights import Weights

__all__ = ["Scales", "calibrate", "entries_of", "quantize", "read_steps", "stages"]

#: A shortcut stored finer than 1/16 of its stage's step gains nothing and costs shift range.
_RESIDUAL_SHIFT_MIN = -4


@dataclass(frozen=True)
class Scales:
    """What one step of a stored activation is worth, and how shortcuts are scaled.

    Parameters
    ----------
    steps : mapping of layer name to float
        For every layer but the classifier, and for the max pool.
    residual_shifts : mapping of layer name to int
        ``rsh`` of the last layer of each block with a projection shortcut: the shortcut's step is ``2**rsh`` times its.
    """

    steps: Mapping[str, float]
    residual_shifts: Mapping[str, int]


def stages(network: Network) -> list[list[Layer]]:
    """The layers that write the residual stream, by stage: a projection shortcut begins a new one."""
    found = [[network.layers[0]]]
    for block in network.blocks:
        layers = {layer.role: layer for layer in network.block_layers(block)}
        if Role.SHORTCUT in layers:
            found.append([])
        found[-1].append(layers[Role.LAST])
    return found


def calibrate(model: ResidualNet, images: np.ndarray) -> Scales:
    """Activation scales of ``model`` (in evaluation mode) on uint8 ``images`` (n, H, W, C).

    Raises
    ------
    Refused
        If a layer stores only zeros, or values that are not finite, on all of them.
    """
    network = model.network
    peaks = _peaks(model, images)
    steps = {layer.name: peaks[layer.name] / PIXEL_MAX for layer in network.layers if layer.role is Role.INNER}
    for stage in stages(network):
        step = max(peaks[layer.name] for layer in stage) / PIXEL_MAX
        steps |= {layer.name: step for layer in stage}
    if network.pool:
        steps[network.pool.name] = steps[network.layers[0].name]
    for name, step in steps.items():
        if not (math.isfinite(step) and step > 0):
            raise Refused(
                f"Layer {name} stores {'only zeros' if step == 0 else 'values that are not finite'} on the "
                f"{len(images)} calibration images; train longer or calibrate on more"
            )
    residual_shifts = {}
    for block in network.blocks:
        layers = {layer.role: layer for layer in network.block_layers(block)}
        if Role.SHORTCUT in layers:
            shortcut, last = layers[Role.SHORTCUT].name, layers[Role.LAST].name
            ratio = peaks[shortcut] / output_range(signed=True)[1] / steps[last]
            residual_shifts[last] = math.ceil(math.log2(max(ratio, 2.0**_RESIDUAL_SHIFT_MIN)))
            steps[shortcut] = steps[last] * 2.0 ** residual_shifts[last]
    return Scales(steps, residual_shifts)


@torch.no_grad()
def _peaks(model: ResidualNet, images: np.ndarray) -> dict[str, float]:
    """Largest magnitude each layer stores on ``images``, over all iterations."""
    peaks: dict[str, float] = {}

    def observe(layer: Layer, iteration: int, values: Tensor) -> None:
        peaks[layer.name] = max(peaks.get(layer.name, 0.0), float(values.abs().max()))

    for chunk in torch.from_numpy(images).split(256):
        model(chunk, observe)
    return peaks


def quantize(model: HiddenFoldNet, scales: Scales, provenance: dict) -> Model:
    """Integer model of a trained network: its masks as they are, its batch norms as 32-bit entries.

    Raises
    ------
    Refused
        If the network is of a kind the accelerator has not, or, naming the layer, if a batch norm fits no entry or an
        accumulator could wrap.
    """
    _refuse_foreign(model)
    network = model.network
    read = read_steps(network, scales)
    masks, entries = {}, {}
    for layer in network.layers:
        hidden = model.convolutions[layer.index]
        masks[layer.name] = hidden.mask().numpy()
        if layer.role is not Role.CLASSIFIER:
            entries[layer.name] = entries_of(layer, hidden, hidden.trits(), hidden.sigma, read[layer.name], scales)
    return Model(network, masks, entries, provenance)


def read_steps(network: Network, scales: Scales) -> dict[str, float]:
    """What one step of the activation that each layer reads is worth, by name."""
    read = {"stem": 1 / PIXEL_MAX}
    stream = scales.steps["stem"]
    for block in network.blocks:
        branch = stream
        for layer in network.block_layers(block):
            read[layer.name] = stream if layer.role is Role.SHORTCUT else branch
            if layer.role is Role.INNER:
                branch = scales.steps[layer.name]
        stream = scales.steps[layer.name]
    return read


def _refuse_foreign(model: HiddenFoldNet) -> None:
    """Refuse what no integer model can hold, naming the option it comes from."""
    config = model.config
    where = f"Network {model.network.name!r} cannot be exported"
    if not config.method.masks:
        raise Refused(f"{where}: --method {config.method} learns dense weights; train with --method hnn or hfn")
    if config.weights is not Weights.LFSR:
        raise Refused(
            f"{where}: the accelerator cannot make weights of --weights {config.weights} again; train with --weights "
            f"{Weights.LFSR}"
        )
    if config.bias:
        raise Refused(f"{where}: the accelerator has no place for learned biases; train without --bias")
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
    layer: Layer, convolution: Convolution, weights: np.ndarray, scale: float, source: float, scales: Scales
) -> Requantization:
    """Batch norms of ``layer``, which is trained as ``convolution``, as entries.

    Its convolution is ``scale * source * acc``, its batch norm ``a*conv + b``, its stored value that over ``step``:
    ``y = acc * (a * scale * source / step) + b / step``.

    Parameters
    ----------
    weights : int8 array (M, K, K, N)
        ``scale`` times these is what the layer was trained with.
    source : float
        From :func:`read_steps`.
    """
    step = scales.steps[layer.name]
    factors = [_affine(convolution.norm_of(t)) for t in range(layer.iterations)]
    a = np.stack([factor for factor, _ in factors])  # (iterations, M)
    b = np.stack([offset for _, offset in factors])
    projected = layer.name in scales.residual_shifts
    return fold(
        a * (scale * source / step), b / step, *accumulator_bounds(weights), where=layer.name,
        residual_range=output_range(signed=projected) if layer.role is Role.LAST else (0, 0),
        residual_shift=scales.residual_shifts.get(layer.name, 0),
        signed=layer.role is Role.SHORTCUT, z_bits=layer.widths.z,
    )


def _affine(norm: nn.BatchNorm2d) -> tuple[np.ndarray, np.ndarray]:
    """``a, b`` (M,), float64, of a batch norm as it evaluates ``a*x + b``, by its running statistics."""
    a = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
    beta = torch.zeros_like(a)
    if norm.affine:
        a = a * norm.weight.detach().double()
        beta = norm.bias.detach().double()
    return a.numpy(), (beta - norm.running_mean.double() * a).numpy()

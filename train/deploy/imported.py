"""A public state dict as a network of ours: the same masks, signs and norms, on raw pixels, and a report in sentences.

The network in floating point computes what the public code does. What the integer model cannot hold is listed as lost.

Ref: Ramanujan et al., CVPR 2020; Diffenderfer and Kailkhura, ICLR 2021; docs/howto/import.md.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from spec.layer import Layer
from spec.refusal import Refused
from train.deploy.normalization import Normalization
from train.deploy.public_mask import dropped, is_mask, public_mask
from train.deploy.public_shape import settled, shape_of
from train.deploy.public_state import PublicLayer, PublicState, layers_of
from train.deploy.stored_signs import with_stored_signs
from train.nets.config import ModelConfig
from train.nets.layers import HiddenConv
from train.nets.model import HiddenFoldNet

__all__ = ["Code", "Reading", "Report", "imported"]

#: Magnitudes of a layer that differ by less, relative to their mean, are one.
_CONSTANT = 1e-3


class Code(enum.StrEnum):
    """What a public code multiplies the signs of a layer's kept weights by."""

    EDGE_POPUP = "edge-popup"  #: Their magnitudes as stored. Hidden-Fold Networks do so, too.
    BIPROP = "biprop"  #: One magnitude: ``sum(|w| of the kept) / int(density * n)``.


@dataclass
class Report:
    """What an import carries over, assumes, and does not carry over, in sentences."""

    carried: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """How a state dict is to be read, beyond what it says.

    Parameters
    ----------
    given : mapping
        Settings of the network (:class:`train.nets.config.ModelConfig`) that options gave.
    code : Code
    epsilon : float
        Of all batch norms; state dicts do not hold it.
    normalization : Normalization
    """

    given: Mapping = field(default_factory=dict)
    code: Code = Code.EDGE_POPUP
    epsilon: float = 1e-5
    normalization: Normalization = field(default_factory=Normalization)


def imported(
    state: PublicState, reading: Reading, image: tuple[int, int, int], classes: int
) -> tuple[HiddenFoldNet, Report]:
    """The network of ``state`` as one of ours on raw pixels (height, width, channels), in evaluation mode.

    A deviation ``d`` of a channel of the images divides the weights of the first layer that read it; their mean is
    added to what its batch norm subtracts, as a bias is taken from it: ``mean' = mean - bias + sum(w/d * mean of
    images)``, and is what the images are surrounded by.

    Raises
    ------
    Refused
        If ``state`` contradicts itself, ``reading`` or the images, holds what is no number, or is of no network that
        the accelerator can run.
    """
    report = Report()
    shape = shape_of(state)
    settings = settled(state, shape, reading.given)
    settings |= _densities(state, reading.given, report)
    config = ModelConfig.of(settings.pop("method"), **settings)
    network = config.topology("imported", image, classes)
    with_stored_signs(network, {layer.name: 1 for layer in network.layers})  # Its limits are known now.
    found, unknown = layers_of(state, network)
    affine = any({"weight", "bias"} & norm.keys() for layer in found.values() for norm in layer.norms)
    config = ModelConfig.from_json(config.to_json() | {"affine": affine})
    net = HiddenFoldNet(network, config, torch.Generator()).eval()
    filling = _Filling(config, reading, report)
    with torch.no_grad():
        for layer in network.layers:
            filling.fill(net.convolutions[layer.index], layer, found[layer.name])
        report.carried += reading.normalization.fold(net.convolutions[0])
    filling.conclude(state)
    weights = network.weight_count
    report.carried[:0] = [
        f"supermasks of {len(found)} layers: {filling.kept:,} of {weights:,} weights",
        "signs, stored as bits of their own: 2 bits per weight on chip, its mask included",
        f"batch norms, {'with' if affine else 'without'} gamma and beta"
        + (f", of every iteration of stages {', '.join(map(str, shape.folded))}" if shape.folded else ""),
    ]
    report.lost += [f"tensor {name}: no layer of {config.network} has it" for name in unknown]
    return net, report


def _densities(state: PublicState, given: Mapping, report: Report) -> dict:
    """Kept fractions: those of the file, else those ``given``, else the usual one, which is said."""
    settings = {name: given[name] for name in ("density", "densities") if name in given}
    scores = [value for name, value in state.tensors.items() if name.endswith(".scores")]
    if all(map(is_mask, scores)):  # What a file of masks calls its density may be what is left out.
        kept = sum(int(value.count_nonzero()) for value in scores) / sum(value.numel() for value in scores)
        return {"density": round(kept, 6)} | settings
    if state.density is None:
        if "density" not in given:
            report.assumed.append(
                f"density {ModelConfig().density}: the file does not say what it is; --density gives another"
            )
        return settings
    said = {"--density": given["density"]} if "density" in given else {}
    said |= {f"--layer-density {name}": value for name, value in given.get("densities", {}).items()}
    for option, value in said.items():
        if value != state.density:
            raise Refused(
                f"Option {option} ({value}) contradicts {state.path}, which says it was trained at {state.density}; "
                "leave it out"
            )
    report.carried.append(f"density {state.density}, as the file says")
    return {"density": state.density}


class _Filling:
    """Makes layers of ours what layers of a public code are, and remembers what is to be said of all of them."""

    def __init__(self, config: ModelConfig, reading: Reading, report: Report):
        self.config, self.reading, self.report = config, reading, report
        self.kept = 0
        self.masks: list[str] = []
        self.spreads: dict[str, float] = {}

    def fill(self, hidden: HiddenConv, layer: Layer, public: PublicLayer) -> None:
        """Make ``hidden`` what ``public`` is."""
        mask = self._mask(layer, public)
        count = int(mask.sum())
        self.kept += count
        hidden.own_signs = True
        # As scores a mask is selected as it is, whatever the order.
        hidden.scores.copy_(_ohwi(mask.float(), layer))
        hidden.count = count
        magnitude = _ohwi(self._magnitude(layer, public, mask), layer)
        hidden.sigma = float(magnitude[hidden.mask()].mean())
        hidden.weight.copy_(_ohwi(public.weight, layer).sign() * hidden.sigma)
        self._norms(hidden, public)

    def _mask(self, layer: Layer, public: PublicLayer) -> Tensor:
        """Supermask of ``public``, in its order."""
        density = self.config.density_of(layer.name)
        weights = public.scores.numel()
        if is_mask(public.scores):
            mask, tied, tied_kept = public.scores != 0, 0, 0
            self.masks.append(public.name)
            said = layer.name in self.config.densities or "density" in self.reading.given
            if said and abs(int(mask.sum()) - (weights - dropped(weights, density))) > 1:
                raise Refused(
                    f"Scores of layer {public.name} are a mask that keeps {int(mask.sum()):,} of {weights:,} weights, "
                    f"which density {density} contradicts; leave it out"
                )
        else:
            mask, tied, tied_kept = public_mask(public.scores, density)
        if not mask.any():
            raise Refused(f"Layer {public.name} keeps none of its {weights:,} weights at density {density}; give that "
                          "which it was trained with (--density)")
        if tied:
            self.report.assumed.append(
                f"order of {tied:,} scores of {public.name} that tie at the threshold, of which {tied_kept:,} are "
                "kept: the last ones, as an ascending stable sort leaves them"
            )
        return mask

    def _magnitude(self, layer: Layer, public: PublicLayer, mask: Tensor) -> Tensor:
        """What the signs of ``public`` are multiplied by, weight by weight."""
        magnitude = public.weight.abs()
        kept = magnitude[mask].double()
        if self.reading.code is Code.BIPROP:
            counted = int(self.config.density_of(layer.name) * mask.numel())
            alpha = kept.sum() / (len(kept) if public.name in self.masks or not counted else counted)
            return torch.full_like(magnitude, float(alpha))
        mean = float(kept.mean())
        if mean:
            self.spreads[public.name] = float((kept / mean - 1).abs().max())
        return magnitude

    def _norms(self, hidden: HiddenConv, public: PublicLayer) -> None:
        if not len(hidden.norms) and public.bias is not None:
            self.report.lost.append(f"bias of {public.name}: logits have none")
        for norm, tensors in zip(hidden.norms, public.norms, strict=True):
            norm.eps = self.reading.epsilon
            norm.running_mean.copy_(tensors["running_mean"])
            norm.running_var.copy_(tensors["running_var"])
            for name in {"weight", "bias"} & tensors.keys():
                getattr(norm, name).copy_(tensors[name])
            if public.bias is not None:
                norm.running_mean -= public.bias
        if len(hidden.norms) and public.bias is not None:
            self.report.carried.append(f"bias of {public.name}, in its batch norm")

    def conclude(self, state: PublicState) -> None:
        """Say what is to be said of all layers."""
        report = self.report
        if self.masks:
            report.carried.append(f"scores that are 0 and 1, as masks, whatever the density ({len(self.masks)} layers)")
        report.assumed.append(f"epsilon {self.reading.epsilon:g} of the batch norms: no state dict holds it; --epsilon "
                              "gives another")
        if state.arch is None:
            report.assumed.append("blocks of convolution, norm, ReLU, the last ReLU after the addition: the file names "
                                  "no architecture")
        if self.reading.code is Code.BIPROP:
            report.carried.append("magnitudes: one a layer, as biprop computes it, in the batch norms")
        wide = {name: spread for name, spread in self.spreads.items() if spread > _CONSTANT}
        if wide:
            worst = max(wide, key=wide.get)
            report.lost.append(
                f"magnitudes of {len(wide)} layers, which differ by up to {wide[worst]:.0%} from their mean (in {worst}"
                "): all of a layer are that; if biprop trained it, which makes them one itself, give --code biprop"
            )
        elif self.spreads:
            report.carried.append("magnitudes: one a layer, in the batch norms")


def _ohwi(value: Tensor, layer: Layer) -> Tensor:
    return value.permute(0, 2, 3, 1).reshape(layer.shape)

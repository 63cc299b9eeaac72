"""Deploy a network that the public edge-popup code trained: from its state dict to a model file.

    python -m train.import_edge_popup --state model.pt --network resnet18 --width 32 --density 0.3 --dataset cifar10 \\
        --mean 0.491,0.482,0.447 --std 0.247,0.243,0.262 --data DIR --out build/imported.safetensors

Its signs are not those of our generator, so they are stored (:mod:`train.deploy.stored_signs`). Prints what is carried
over and what is not. Nothing is trained.

Ref: Ramanujan et al., CVPR 2020, and the code released with it; docs/howto/import.md.
"""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from console.command import CommandParser, Number, Several, Whole, add_json, add_out
from console.record import json_text
from console.screen import screen
from console.settings import add_settings, given_settings
from spec import model
from spec.refusal import Refused, run_command
from train.data import DATASETS, Dataset, load_dataset
from train.deploy.calibration import calibrate
from train.deploy.choice import Calibration
from train.deploy.proof import MismatchError, add_vectors, proved, store, vectors_count, vectors_path
from train.deploy.public_state import PublicLayer, layers_of, read_state
from train.deploy.quantize import quantize
from train.loop.trainer import accuracy
from train.nets.config import Method, ModelConfig
from train.nets.layers import HiddenConv
from train.nets.model import HiddenFoldNet

__all__ = ["Report", "imported", "main", "parser"]

#: Settings of the network that an import takes; the others say how to train.
_OPTIONS = {"network", "widths", "iterations", "stem", "width", "wider", "stages", "density", "densities"}

#: Magnitudes of a layer that differ by less, relative to their mean, are one.
_CONSTANT = 1e-3


@dataclass
class Report:
    """What an import carries over, and what it does not, in sentences."""

    carried: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Normalization:
    """What the images went through before the first layer: ``(x/255 - mean) / deviation``, channel by channel."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, mean: Sequence[float], deviation: Sequence[float], channels: int) -> "Normalization":
        """One number stands for all ``channels``. Refused if there are others than that."""
        for option, values in (("mean", mean), ("std", deviation)):
            if len(values) not in (1, channels):
                raise Refused(f"Option --{option} must give 1 or {channels} numbers, not {len(values)}")
        return cls(*(tuple(values) * (channels // len(values)) for values in (mean, deviation)))

    @property
    def common(self) -> float:
        """One deviation for all channels: the geometric mean."""
        return float(torch.tensor(self.deviation, dtype=torch.float64).log().mean().exp())


def imported(
    state: Mapping[str, torch.Tensor], config: ModelConfig, dataset: Dataset, normalization: Normalization
) -> tuple[HiddenFoldNet, Report]:
    """The network of ``state`` as one of ours on raw pixels, in evaluation mode.

    A deviation ``d`` of the images divides the weights of the first layer; their mean is added to what its batch norm
    subtracts, as a bias is taken from it: ``mean' = mean - bias + sum(w/d * mean of images)``.

    Raises
    ------
    Refused
        If ``state`` is of another network.
    """
    network = config.topology("imported", dataset.image, dataset.classes)
    found, unknown = layers_of(state, network)
    affine = any("weight" in layer.norm for layer in found.values())
    config = ModelConfig.from_json(config.to_json() | {"affine": affine})
    net = HiddenFoldNet(network, config, torch.Generator()).eval()
    report = Report()
    with torch.no_grad():
        for layer in network.layers:
            _fill(net.convolutions[layer.index], found[layer.name], report)
        _fold_normalization(net.convolutions[0], normalization, report)
    report.carried += [
        f"supermasks of {len(found)} layers, {sum(layer.weight_count for layer in network.layers):,} weights",
        "signs, stored as bits of their own: 2 bits per weight on chip",
        f"batch norms, {'with' if affine else 'without'} gamma and beta",
    ]
    report.lost += [f"tensor {name}: no layer of {config.network} has it" for name in unknown]
    return net, report


def _fill(hidden: HiddenConv, public: PublicLayer, report: Report) -> None:
    """Make ``hidden`` what ``public`` is."""
    hidden.own_signs = True
    hidden.scores.copy_(public.scores)
    kept = public.weight.abs()[hidden.mask()]
    sigma = float(kept.mean())
    spread = float((kept - sigma).abs().max()) / sigma if sigma else 0.0
    if spread > _CONSTANT:
        report.lost.append(
            f"magnitudes of {public.name}, which differ by up to {spread:.0%} from their mean {sigma:.3g}: all are that"
        )
    hidden.sigma = sigma
    hidden.weight.copy_(public.weight.sign() * sigma)
    if not len(hidden.norms):
        if public.bias is not None:
            report.lost.append(f"bias of {public.name}: logits have none")
        return
    norm = hidden.norms[0]
    norm.running_mean.copy_(public.norm["running_mean"])
    norm.running_var.copy_(public.norm["running_var"])
    if norm.affine and "weight" in public.norm:
        norm.weight.copy_(public.norm["weight"])
        norm.bias.copy_(public.norm["bias"])
    if public.bias is not None:
        norm.running_mean -= public.bias
        report.carried.append(f"bias of {public.name}, in its batch norm")


def _fold_normalization(stem: HiddenConv, normalization: Normalization, report: Report) -> None:
    """Fold what images went through into the first layer."""
    common = normalization.common
    stem.sigma /= common
    stem.weight /= common
    mean = torch.tensor(normalization.mean)
    if mean.any():
        effective = stem.effective_weight()  # (M, C, K, K)
        stem.norms[0].running_mean += (effective * mean[:, None, None]).sum((1, 2, 3))
        report.lost.append("padding of the first layer: it was the mean color, now it is black; only borders differ")
    off = max(abs(deviation / common - 1) for deviation in normalization.deviation)
    if off > _CONSTANT:
        report.lost.append(f"deviations of the image channels, which differ by up to {off:.1%} from {common:.4g}: "
                           "all are that")
    if mean.any() or abs(common - 1) > _CONSTANT:
        report.carried.append("normalization of the images, in the first layer's weights and batch norm")


def parser() -> CommandParser:
    """The command line."""
    made = CommandParser(prog="python -m train.import_edge_popup", description=__doc__.splitlines()[0])
    add = made.add_argument
    add("--state", type=Path, required=True, help="its state dict, written by torch.save")
    add_settings(made.add_argument_group("network"), ModelConfig, only=_OPTIONS)
    add("--mean", type=Several(Number(least=-1000, most=1000)), default=(0.0,),
        help="subtracted from x/255, by channel, in training (default 0)")
    add("--std", type=Several(Number(above=0, most=1000)), default=(1.0,), help="divided by after that (default 1)")
    add("--dataset", default="cifar10", help=f"data set: {', '.join(DATASETS)} (default cifar10)")
    add("--data", type=Path, default=Path("build/data"), help="folder of the data sets' files (default build/data)")
    add("--calibration", type=Whole(1, 1_000_000), help="training images for scales (default 512, or all of fewer)")
    add_vectors(made)
    add_out(made, "model file to write (default build/imported.safetensors)", Path("build/imported.safetensors"))
    add_json(made)
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; see ``--help``."""
    arguments = parser().parse_args(argv)
    vectors_path(arguments.out)  # Refused now, if it is.
    config = ModelConfig.of(Method.HNN, **given_settings(arguments, ModelConfig))
    state = read_state(arguments.state)
    dataset = load_dataset(arguments.dataset, arguments.data)
    calibration, vectors = Calibration(calibration=arguments.calibration or 0).count(dataset), vectors_count(
        arguments.vectors, dataset
    )
    normalization = Normalization.of(arguments.mean, arguments.std, dataset.image[2])
    net, report = imported(state, config, dataset, normalization)
    scales = calibrate(net, dataset.train_images[:calibration])
    deployed = quantize(net, scales, provenance={})
    try:
        proof, measured = proved(deployed, dataset, vectors)
    except MismatchError as mismatch:
        print(f"error: torch and the golden model differ, so nothing was written: {mismatch}", file=sys.stderr)
        return 1
    facts = {
        "dataset": dataset.name, "dataset_sha256": dataset.digest, "held_out_images": len(dataset.test_images),
        "float_accuracy": round(accuracy(net, dataset.test_images, dataset.test_labels), 6),
        "deployed_accuracy": round(measured, 6),
        "state_sha256": hashlib.sha256(arguments.state.read_bytes()).hexdigest(),
        "mean": list(normalization.mean), "std": list(normalization.deviation), "settings": config.to_json(),
        "carried": report.carried, "lost": report.lost,
    }
    deployed = model.with_provenance(deployed, **facts)
    _, beside = store(deployed, proof, arguments.out)
    if arguments.json:
        paths = {"model": str(arguments.out), "vectors": str(beside), "hash": deployed.hash}
        print(json_text(facts | paths), end="")
        return 0
    console = screen()
    for title, sentences in (("carried over", report.carried), ("not carried over", report.lost or ["nothing"])):
        console.print(f"{title}:")
        for sentence in sentences:
            console.print(f"  {sentence}")
    console.print(f"float accuracy {facts['float_accuracy']:.2%}, deployed {facts['deployed_accuracy']:.2%}")
    print(arguments.out)
    print(beside)
    return 0


if __name__ == "__main__":
    run_command(main)

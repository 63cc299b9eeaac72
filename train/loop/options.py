"""Command-line options that describe a network, shared by the commands that make one."""

import argparse
import dataclasses
from collections.abc import Callable
from typing import TypeVar

from spec.supermask import Mode
from spec.topologies import RESNET_NAMES
from train.nets.config import SMALL, ModelConfig
from train.nets.norms import FoldedNorm
from train.nets.weights import Weights

__all__ = ["add_model_options", "given_model_settings", "integers", "named"]

T = TypeVar("T")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Options of the network, for :func:`given_model_settings`."""
    group = parser.add_argument_group("network")

    def add(option, meaning, **more) -> None:
        group.add_argument(f"--{option}", default=argparse.SUPPRESS, help=meaning, **more)

    usual = ModelConfig()
    add("method", "dense, folded (dense weights), hnn (masks) or hfn (masks, folded) (default: hfn)")
    add("network", f"{SMALL} (default) or one of {', '.join(RESNET_NAMES)}")
    add("widths", "small: channels of each stage (default: 16,32,64)", type=integers)
    add("iterations", "small: runs of the repeated block of each stage, or 0 (default: 0,2,2)", type=integers)
    add("stem", "small: kernel and stride of the first layer (default: 3,1)", type=integers)
    add("width", f"ResNet: channels of the stem (default: {usual.width})", type=int)
    add("wider", "ResNet: factor on inner channels (default: 1; Wide-ResNet-50: 2)", type=float)
    add("stages", "ResNet: blocks of each stage, as in 3,4,23,3 (default: by depth)", type=integers)
    add("fold", "ResNet: stages that fold (default: 3,4)", type=integers)
    add("mode", f"mask structure: {', '.join(Mode)} (default: {usual.mode})")
    add("density", f"kept fraction of the weights (default: {usual.density})", type=float)
    add("layer-density", "layers with another one, as in stem=1.0,classifier=0.5", type=_densities, dest="densities")
    add("weights", f"frozen or first weights: {', '.join(Weights)} (default: lfsr for masks, else the paper's)")
    add("norm", f"in recurrent blocks: {', '.join(FoldedNorm)} (default: {usual.norm})")
    add("affine", "learn gamma and beta outside recurrent blocks (default: dense only)",
        action=argparse.BooleanOptionalAction)
    add("bias", "learn biases", action=argparse.BooleanOptionalAction)
    add("net-seed", "of the weights (default: 0)", type=int)
    add("vary", "each step, run recurrent blocks up to so many times fewer or more (default: 0)", type=int)


def given_model_settings(arguments: argparse.Namespace) -> dict:
    """Those settings of :class:`train.nets.config.ModelConfig` that the options of :func:`add_model_options` gave."""
    names = {field.name for field in dataclasses.fields(ModelConfig)}
    return {name: value for name, value in vars(arguments).items() if name in names}


def integers(text: str) -> tuple[int, ...]:
    """``16,32,64`` as numbers; nothing as none."""
    try:
        return tuple(int(number) for number in text.split(",") if text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"needs integers with commas, as in 16,32,64, not {text!r}") from None


def named(text: str, kind: Callable[[str], T], example: str) -> dict[str, T]:
    """``stem=1.0,classifier=0.5`` as values of ``kind`` by name; ``example`` is what an error shows."""
    try:
        return {name: kind(value) for name, value in (part.split("=") for part in text.split(","))}
    except ValueError:
        raise argparse.ArgumentTypeError(f"needs names and values, as in {example}, not {text!r}") from None


def _densities(text: str) -> dict[str, float]:
    return named(text, float, "stem=1.0")

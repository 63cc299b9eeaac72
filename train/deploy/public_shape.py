"""What network the tensors of a public state dict are of: its stages, folds, widths and classes, from names and shapes.

The file knows; options that say something else are refused (:func:`settled`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from spec.block import Kind
from spec.refusal import Refused
from spec.topologies import DEPTHS
from train.deploy.public_state import PublicState
from train.nets.config import SMALL, Method

__all__ = ["PublicShape", "settled", "shape_of"]

_BLOCK = re.compile(r"(?:layer|stage_)(\d+)\.(\d+)\.conv1\.weight")
_FOLDED = re.compile(r"(?:layer|stage_)(\d+)\.(\d+)\.bnorm\d_(\d+)\.\w+")
_ARCH = re.compile(r"(hfn_)?(c?)(wide)?resnet(\d+)((?:_\d)*)(_ubn)?", re.IGNORECASE)

#: Kernel of the first layer of networks for small images (named c...) and for large ones.
_STEMS = {"c": 3, "": 7}


@dataclass(frozen=True)
class PublicShape:
    """A residual network as its tensors show it.

    Parameters
    ----------
    kernel, channels, width : int
        Of the first layer: kernel, input and output channels.
    kind : Kind
        Of all blocks.
    widths, inner : tuple of int
        Output and inner channels of every stage.
    counts : tuple of int
        Runs of blocks in every stage, the first block's included.
    folded : tuple of int
        Stages, from 1, whose further runs are of one block.
    classes : int
    """

    kernel: int
    channels: int
    width: int
    kind: Kind
    widths: tuple[int, ...]
    inner: tuple[int, ...]
    counts: tuple[int, ...]
    folded: tuple[int, ...]
    classes: int

    @property
    def depth(self) -> int | None:
        """Depth by which a residual network of such counts is called, if it is one of those."""
        return next((depth for depth, known in DEPTHS.items() if known == (self.counts, self.kind)), None)

    @property
    def is_resnet(self) -> bool:
        """Whether its stages are four, each twice as wide as the one before."""
        first = self.width * self.kind.expansion
        return self.widths == tuple(first << stage for stage in range(4))


def shape_of(state: PublicState) -> PublicShape:
    """Shape of the network in ``state``.

    Raises
    ------
    Refused
        If first layer, classifier or blocks are missing or not in a row.
    """
    tensors = state.tensors
    blocks = sorted((int(found[1]), int(found[2])) for name in tensors if (found := _BLOCK.fullmatch(name)))
    stages = sorted({stage for stage, _ in blocks})
    for name, dimensions in (("conv1.weight", (4,)), ("fc.weight", (2, 4))):
        if name not in tensors or tensors[name].ndim not in dimensions:
            raise Refused(f"State dict {state.path} has no {name} of a residual network; it holds {_some(tensors)}")
    counts = [sum(stage == one for one, _ in blocks) for stage in stages]
    if not stages or blocks != [(n, i) for n, count in enumerate(counts, 1) for i in range(count)]:
        raise Refused(f"State dict {state.path} has no residual blocks in a row: their stages and places are {blocks}")
    runs: dict[int, int] = {}
    for found in filter(None, map(_FOLDED.fullmatch, tensors)):
        runs[int(found[1])] = max(runs.get(int(found[1]), 0), int(found[3]) + 1)
    for stage in runs:
        if stage not in stages or counts[stage - 1] != 2:
            raise Refused(
                f"Stage {stage} of state dict {state.path} has batch norms by iteration, but not two blocks: a folded "
                "stage has one after its first"
            )
        counts[stage - 1] = 1 + runs[stage]
    stem, prefix = tensors["conv1.weight"].shape, state.stage_prefix
    kind = Kind.BOTTLENECK if f"{prefix}1.0.conv3.weight" in tensors else Kind.BASIC
    last = "conv3" if kind is Kind.BOTTLENECK else "conv2"
    width, inner = (
        tuple(_outputs(state, f"{prefix}{stage}.0.{conv}.weight") for stage in stages) for conv in (last, "conv1")
    )
    folded = tuple(sorted(stage for stage, count in runs.items() if count > 1))
    return PublicShape(
        stem[-1], stem[1], stem[0], kind, width, inner, tuple(counts), folded, tensors["fc.weight"].shape[0]
    )


def _outputs(state: PublicState, name: str) -> int:
    if name not in state.tensors or state.tensors[name].ndim != 4:
        raise Refused(f"State dict {state.path} has no convolution {name}; its network is of another code")
    return state.tensors[name].shape[0]


def _some(tensors: Mapping[str, Tensor]) -> str:
    names = sorted(tensors)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} others" if len(names) > 4 else "")


def settled(state: PublicState, shape: PublicShape, given: Mapping) -> dict:
    """Settings of :class:`train.nets.config.ModelConfig` for ``state``; ``given`` are those that options gave.

    Raises
    ------
    Refused
        If the network is none of ours, or the architecture that the file names or an option says something else.
    """
    _check_arch(state, shape)
    found = _small(state, shape, given) if given.get("network") == SMALL or not shape.is_resnet else _resnet(
        shape, given
    )
    for name, value in given.items():
        if name in ("density", "densities"):
            continue
        if name not in found:
            raise Refused(f"Option --{name} says nothing about a network {found['network']}, which {state.path} holds; "
                          "leave it out")
        if tuple(value) != found[name] if isinstance(found[name], tuple) else value != found[name]:
            raise Refused(
                f"Option --{name} {_shown(value)} contradicts the tensors of {state.path}, which say "
                f"{_shown(found[name])}; leave it out"
            )
    return found | {"method": Method.HFN if shape.folded else Method.HNN}


def _shown(value) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _resnet(shape: PublicShape, given: Mapping) -> dict:
    usual = 18 if shape.kind is Kind.BASIC else 50
    depth = shape.depth or usual
    named = re.fullmatch(r"resnet(\d+)", str(given.get("network", "")))
    if named and given.get("stages") == shape.counts and DEPTHS.get(int(named[1]), (0, 0))[1] is shape.kind:
        depth = int(named[1])  # Called so by who gives its stages, too.
    wider = shape.inner[0] * shape.kind.expansion / shape.widths[0]
    found = {"network": f"resnet{depth}", "width": shape.width, "wider": wider, "stages": shape.counts}
    return found | ({"fold": shape.folded} if shape.folded else {})


def _small(state: PublicState, shape: PublicShape, given: Mapping) -> dict:
    inner_as_usual = shape.kind is Kind.BASIC and shape.inner == shape.widths and shape.widths[0] == shape.width
    further = tuple(count - 1 for count in shape.counts)
    others = [stage for stage, count in enumerate(further, 1) if count > 1 and stage not in shape.folded]
    if not inner_as_usual or (shape.folded and others):
        raise Refused(
            f"State dict {state.path} is of a network that is none of ours: stages of {_shown(shape.widths)} channels "
            f"({_shown(shape.inner)} inner ones) behind {shape.width}, {_shown(shape.counts)} {shape.kind} blocks, "
            f"stages {list(shape.folded)} folded"
        )
    stride = given["stem"][1] if len(given.get("stem", ())) == 2 else 1
    return {"network": SMALL, "widths": shape.widths, "iterations": further, "stem": (shape.kernel, stride)}


def _check_arch(state: PublicState, shape: PublicShape) -> None:
    """Refuse an architecture by name that is none of ours, or that the tensors contradict."""
    if state.arch is None:
        return
    found = _ARCH.fullmatch(state.arch)
    digits = tuple(int(digit) for digit in found[5].split("_")[1:]) if found else ()
    if not found or (not found[1] and digits not in ((), (2,), (3,))):
        raise Refused(
            f"Checkpoint {state.path} is of the architecture {state.arch!r}, which is not known here: only ResNet, "
            "cResNet, WideResNet and HFN_ResNet of the public codes are, with ReLU and norms before additions; if it "
            "computes the same, save model.state_dict() alone"
        )
    folded = digits if found[1] else ()
    said = (int(found[4]), folded, _STEMS[found[2].lower()])
    tensors = (shape.depth, shape.folded, shape.kernel)
    if said != tensors:
        depth, folds, kernel = (f"{a} by name, {b} by its tensors" for a, b in zip(said, tensors, strict=True))
        raise Refused(
            f"Checkpoint {state.path} contradicts itself: architecture {state.arch} has depth {depth}, folded stages "
            f"{folds}, a first kernel of {kernel}; save the model.state_dict() of what it is alone"
        )

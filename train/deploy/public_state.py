"""State dicts of the public edge-popup code, layer by layer: which tensors a layer of ours has there.

Names there: ``conv1.weight``, ``conv1.scores``, ``bn1.running_mean``, ``layer2.0.conv1.scores``, ``layer2.0.bn1.*``,
``layer2.0.downsample.0.*`` and ``.1.*`` (or ``shortcut``), ``fc.*``; ``module.`` before all of them if it was trained
on several GPUs, and the dict under ``state_dict`` in a whole checkpoint.

Ref: Ramanujan et al., CVPR 2020, and the code released with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from spec.layer import Layer, Role
from spec.network import Network
from spec.refusal import Refused

__all__ = ["PublicLayer", "layers_of", "read_state"]

_NORM = ("running_mean", "running_var", "weight", "bias")


@dataclass(frozen=True)
class PublicLayer:
    """Tensors of one layer, with weights as OHWI of ours.

    Parameters
    ----------
    name : str
        Its name there.
    weight, scores : float tensor (M, K, K, N)
    bias : float tensor (M,) or None
    norm : mapping of str to float tensor (M,)
        Of its batch norm: ``running_mean``, ``running_var``, and if it is affine ``weight`` and ``bias``.
    """

    name: str
    weight: Tensor
    scores: Tensor
    bias: Tensor | None
    norm: Mapping[str, Tensor]


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name of the state dict in ``path``; nothing in the file is executed (``weights_only``).

    Raises
    ------
    Refused
        If it cannot be read, or holds no state dict with scores.
    """
    path = Path(path)
    if not path.is_file():
        raise Refused(f"State dict {path} does not exist; give a file that torch.save wrote")
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Torch raises errors of any kind on a file that is not its own.
        raise Refused(
            f"State dict {path} cannot be read without executing what is in it ({type(error).__name__}); save "
            "model.state_dict() alone"
        ) from None
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise Refused(f"File {path} is no state dict of tensors; save model.state_dict()")
    state = {str(name).removeprefix("module."): value for name, value in found.items()}
    if not any(name.endswith(".scores") for name in state):
        raise Refused(f"State dict {path} has no scores, so it is of no network trained by edge-popup")
    return state


def layers_of(state: Mapping[str, Tensor], network: Network) -> tuple[dict[str, PublicLayer], list[str]]:
    """The layers of ``network`` (nothing folded) in ``state``, by our names, and the names of tensors none of them has.

    Raises
    ------
    Refused
        If a tensor is missing or of another shape, naming it.
    """
    left = dict(state)
    left = {name: value for name, value in left.items() if not name.endswith("num_batches_tracked")}
    found = {layer.name: _taken(left, layer, network) for layer in network.layers}
    return found, sorted(left)


def _taken(left: dict[str, Tensor], layer: Layer, network: Network) -> PublicLayer:
    """``layer`` out of ``left``, whose tensors are taken away."""
    name, norm_name = _names(left, layer.name)
    kernel = network.stem.kernel if layer.role is Role.STEM else layer.kernel
    shape = (layer.outputs, layer.weight_count // layer.outputs // kernel**2, kernel, kernel)
    if f"{name}.weight" in left and f"{name}.scores" not in left:
        raise Refused(f"Layer {name} has no scores: its weights are dense, which masks cannot hold; train it masked")

    def take(key: str, wanted: tuple[int, ...]) -> Tensor:
        if key not in left:
            raise Refused(f"State dict has no {key}, which layer {layer.name} of {network.name!r} needs; check the "
                          "network's options")
        value = left.pop(key)
        if tuple(value.shape) != wanted:
            raise Refused(
                f"Tensor {key} is {tuple(value.shape)}, but layer {layer.name} of {network.name!r} needs {wanted}; "
                "check the network's options"
            )
        return value.float()

    def ohwi(value: Tensor) -> Tensor:
        return value.permute(0, 2, 3, 1).reshape(layer.shape)

    outputs = (layer.outputs,)
    weight, scores = (ohwi(take(f"{name}.{kind}", shape)) for kind in ("weight", "scores"))
    bias = take(f"{name}.bias", outputs) if f"{name}.bias" in left else None
    norm = {}
    if layer.role is not Role.CLASSIFIER:
        needed = [key for key in _NORM if key.startswith("running") or f"{norm_name}.{key}" in left]
        norm = {key: take(f"{norm_name}.{key}", outputs) for key in needed}
    return PublicLayer(name, weight, scores, bias, norm)


def _names(state: Mapping[str, Tensor], name: str) -> tuple[str, str]:
    """Names there of our layer ``name`` and of its batch norm (none for the classifier)."""
    if name == "stem":
        return "conv1", "bn1"
    if name == "classifier":
        return "fc", ""
    block, _, part = name.rpartition(".")
    stage, _, place = block.partition(".")
    number = 0 if place == "entry" else int(place.removeprefix("block")) - 1
    there = f"layer{stage.removeprefix('stage')}.{number}"
    if part == "shortcut":
        kind = "shortcut" if f"{there}.shortcut.0.weight" in state else "downsample"
        return f"{there}.{kind}.0", f"{there}.{kind}.1"
    return f"{there}.{part}", f"{there}.{part.replace('conv', 'bn')}"

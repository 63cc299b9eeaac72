"""State dicts of the public edge-popup codes, layer by layer: which tensors a layer of ours has there.

Names of the edge-popup code and of biprop: ``conv1.weight``, ``conv1.scores``, ``bn1.running_mean``,
``layer2.0.conv1.scores``, ``layer2.0.bn1.*``, ``layer2.0.downsample.0.*`` and ``.1.*`` (or ``shortcut``), ``fc.*``.
Those of Hidden-Fold Networks: ``stage_2.0`` for ``layer2.0``, and in a folded block, ``stage_3.1``, batch norms by
iteration: ``bnorm1_0.*`` to ``bnorm3_4.*``. What wrappers put before them (``module.``, ``model.``, ``_orig_mod.``) is
dropped.

Ref: Ramanujan et al., CVPR 2020; Diffenderfer and Kailkhura, ICLR 2021; Hidden-Fold Networks (IEEE Access 2023); and
the codes released with them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from spec.layer import Layer, Role
from spec.network import Network
from spec.refusal import Refused

__all__ = ["PublicLayer", "PublicState", "layers_of", "read_state"]

_NORM = ("running_mean", "running_var", "weight", "bias")

#: What a whole checkpoint calls the kept fraction.
_DENSITIES = ("prune_rate", "top_k", "density")

#: Before names: of parallel training and of models in models.
_WRAPPERS = re.compile(r"^(?:(?:module|model)\.)+")


@dataclass(frozen=True)
class PublicState:
    """What a file holds.

    Parameters
    ----------
    path : Path
    tensors : mapping of name to tensor
        Without what wrappers put before the names.
    density : float or None
        Kept fraction, if the file says it.
    arch : str or None
        Name of the architecture, if it does.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    density: float | None = None
    arch: str | None = None

    @property
    def stage_prefix(self) -> str:
        """What is before the number of a stage in names."""
        return "stage_" if any(name.startswith("stage_") for name in self.tensors) else "layer"


@dataclass(frozen=True)
class PublicLayer:
    """Tensors of one layer, in the order they have there.

    Parameters
    ----------
    name : str
        Its name there.
    weight, scores : float tensor (M, N, K, K)
        Scores as they are stored, of half precision perhaps.
    bias : float tensor (M,) or None
    norms : tuple of mappings of str to float tensor (M,)
        Of its batch norm in every iteration: ``running_mean``, ``running_var``, and if it is affine ``weight`` and
        ``bias``. None for the classifier.
    """

    name: str
    weight: Tensor
    scores: Tensor
    bias: Tensor | None
    norms: tuple[Mapping[str, Tensor], ...]


def read_state(path: Path) -> PublicState:
    """The state dict in ``path``, and what else the file says; nothing in it is executed (``weights_only``).

    Raises
    ------
    Refused
        If it cannot be read, holds no state dict with scores, or says an impossible density.
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
    density, arch = None, None
    if isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        density, arch = _density(found, path), found.get("arch")
        if not isinstance(arch, str | None):
            raise Refused(f"Checkpoint {path} names its architecture by {type(arch).__name__}; save a state dict alone")
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
        raise Refused(f"File {path} is no state dict of tensors; save model.state_dict()")
    tensors: dict[str, Tensor] = {}
    for name, value in found.items():
        plain = _WRAPPERS.sub("", str(name).replace("_orig_mod.", ""))
        if plain in tensors:
            raise Refused(f"State dict {path} has two tensors {plain}, one of them as {name}; save one of the models")
        tensors[plain] = value
    if not any(name.endswith(".scores") for name in tensors):
        raise Refused(f"State dict {path} has no scores, so it is of no network trained by edge-popup")
    return PublicState(path, tensors, density, arch)


def _density(checkpoint: dict, path: Path) -> float | None:
    """Kept fraction that ``checkpoint`` says, if it does."""
    said = {name: checkpoint[name] for name in _DENSITIES if checkpoint.get(name) is not None}
    for name, value in said.items():
        if type(value) not in (int, float) or not 0 < value <= 1:
            raise Refused(f"Checkpoint {path} says {name} {value!r}, but a kept fraction is above 0 and at most 1")
    if len(set(said.values())) > 1:
        raise Refused(f"Checkpoint {path} contradicts itself: its kept fractions are {said}")
    return next((float(value) for value in said.values()), None)


def layers_of(state: PublicState, network: Network) -> tuple[dict[str, PublicLayer], list[str]]:
    """The layers of ``network`` in ``state``, by our names, and the names of tensors none of them has.

    Raises
    ------
    Refused
        If a tensor is missing, of another shape, or holds what is no number, naming it.
    """
    left = {name: value for name, value in state.tensors.items() if not name.endswith("num_batches_tracked")}
    found = {layer.name: _taken(left, layer, network, state) for layer in network.layers}
    return found, sorted(left)


def _taken(left: dict[str, Tensor], layer: Layer, network: Network, state: PublicState) -> PublicLayer:
    """``layer`` out of ``left``, whose tensors are taken away."""
    name, norm_names = _names(state, layer)
    kernel = network.stem.kernel if layer.role is Role.STEM else layer.kernel
    shape = (layer.outputs, layer.weight_count // layer.outputs // kernel**2, kernel, kernel)
    if f"{name}.weight" in left and f"{name}.scores" not in left:
        raise Refused(f"Layer {name} has no scores: its weights are dense, which masks cannot hold; train it masked")

    def take(key: str, wanted: tuple[int, ...]) -> Tensor:
        if key not in left:
            raise Refused(f"State dict {state.path} has no {key}, which layer {layer.name} of {network.name!r} needs; "
                          "it is damaged, or its network is of another code")
        value = left.pop(key)
        flat = layer.role is Role.CLASSIFIER and tuple(value.shape) == wanted[:2]  # A linear layer is a 1x1 one.
        if tuple(value.shape) != wanted and not flat:
            raise Refused(
                f"Tensor {key} is {tuple(value.shape)}, but layer {layer.name} of {network.name!r} needs {wanted}; "
                f"{_remedy(layer)}"
            )
        return _number(key, value).reshape(wanted)

    outputs = (layer.outputs,)
    weight, scores = (take(f"{name}.{kind}", shape) for kind in ("weight", "scores"))
    bias = take(f"{name}.bias", outputs).float() if f"{name}.bias" in left else None
    norms = {}
    for norm_name in dict.fromkeys(norm_names):
        needed = [key for key in _NORM if key.startswith("running") or f"{norm_name}.{key}" in left]
        norms[norm_name] = {key: take(f"{norm_name}.{key}", outputs).float() for key in needed}
    return PublicLayer(name, weight.float(), scores, bias, tuple(norms[norm_name] for norm_name in norm_names))


def _number(key: str, value: Tensor) -> Tensor:
    """``value``, if all of it is what it should be."""
    wrong = ~value.isfinite()
    if key.endswith("running_var"):
        wrong |= value < 0
    if wrong.any():
        place = tuple(int(index) for index in wrong.nonzero()[0])
        raise Refused(
            f"Tensor {key} holds {float(value[place])} at {place}, which is no "
            f"{'variance' if key.endswith('running_var') else 'number'} ({int(wrong.sum())} of {value.numel()} are "
            "none); its training diverged or the file is damaged"
        )
    return value


def _remedy(layer: Layer) -> str:
    """What to change if ``layer`` has another shape."""
    if layer.role is Role.CLASSIFIER:
        return "choose the data set (--dataset) whose classes it was trained on"
    if layer.role is Role.STEM:
        return "choose a data set (--dataset) of images of the size and channels that it was trained on"
    return "its network is none of ours"


def _names(state: PublicState, layer: Layer) -> tuple[str, tuple[str, ...]]:
    """Names there of our ``layer`` and of its batch norm in every iteration (none for the classifier)."""
    if layer.role is Role.STEM:
        return "conv1", ("bn1",)
    if layer.role is Role.CLASSIFIER:
        return "fc", ()
    block, _, part = layer.name.rpartition(".")
    stage, _, place = block.partition(".")
    index = {"entry": 0, "fold": 1}[place] if place in ("entry", "fold") else int(place.removeprefix("block")) - 1
    there = f"{state.stage_prefix}{stage.removeprefix('stage')}.{index}"
    if part == "shortcut":
        kind = "downsample" if f"{there}.downsample.0.weight" in state.tensors else "shortcut"
        return f"{there}.{kind}.0", (f"{there}.{kind}.1",)
    number = part.removeprefix("conv")
    if f"{there}.bnorm{number}_0.running_mean" in state.tensors:
        return f"{there}.{part}", tuple(f"{there}.bnorm{number}_{t}" for t in range(layer.iterations))
    return f"{there}.{part}", (f"{there}.bn{number}",) * layer.iterations

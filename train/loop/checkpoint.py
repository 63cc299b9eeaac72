"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file that is whole or absent."""

import hashlib
import io
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from spec.budgets import Budget, check_file
from spec.documents import check_document
from spec.files import write_bytes
from spec.network import Network
from spec.refusal import Refused
from train.loop.settings import Settings
from train.nets.build import trainable
from train.nets.model import NORMALIZATION, ResidualNet

__all__ = ["FORMAT", "VERSION", "digest", "load", "restore", "save", "take"]

FORMAT = "foldenite-checkpoint"
VERSION = 4

_KEYS = {
    "format", "version", "normalization", "settings", "network", "dataset_sha256", "versions",
    "epoch", "step", "loss", "history", "model", "optimizer", "scaler",
}
#: What not every checkpoint has: an average where there is one, what computed it if it was written since that is kept.
_OPTIONAL = {"average", "computed_by"}

#: Types of their values.
_KINDS = {
    "normalization": str, "settings": dict, "network": dict, "dataset_sha256": str, "versions": dict, "epoch": int,
    "step": int, "loss": Tensor, "history": list, "model": dict, "optimizer": dict, "scaler": dict, "average": dict,
    "computed_by": dict,
}
_DIGEST_BYTES = 32
_ZIP = b"PK"  #: What torch's files begin with.


def save(path: Path, state: dict) -> Path:
    """Write ``state`` to ``path`` atomically and return the path.

    The file is ``torch.save``'s followed by its SHA-256, because torch does not notice altered tensors.
    ``state`` holds all keys but format, version and normalization, which are added here. Equal states become the same
    bytes.
    """
    state = {"format": FORMAT, "version": VERSION, "normalization": NORMALIZATION} | state
    buffer = io.BytesIO()
    torch.save(_anew(state), buffer)
    content = buffer.getvalue()
    return write_bytes(path, content + hashlib.sha256(content).digest())


def _anew(value):
    """``value`` in new containers, equal texts being one object: a pickle tells one object from two that are equal."""
    if type(value) is str:
        return sys.intern(value)
    if isinstance(value, Mapping):
        return {_anew(key): _anew(part) for key, part in value.items()}
    return type(value)(map(_anew, value)) if type(value) in (list, tuple) else value


def load(path: Path) -> dict:
    """Read and verify a checkpoint; nothing in it is executed (``weights_only``).

    Raises
    ------
    Refused
        If it is absent, damaged, of another version, or of a network trained on other than ``x/255``.
    """
    path = Path(path)
    check_file(path, Budget.CHECKPOINT, "Checkpoint", "write one with python -m train.fit")
    file = path.read_bytes()
    content, digest = file[:-_DIGEST_BYTES], file[-_DIGEST_BYTES:]
    if not file.startswith(_ZIP):
        raise Refused(f"File {path} is no checkpoint but another kind of file; give the one that train.fit wrote")
    if hashlib.sha256(content).digest() != digest:
        raise Refused(f"Checkpoint {path} is damaged or truncated (SHA-256 differs); train again with --overwrite")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # Whatever a file that was made to can raise in torch's reader.
        reason = type(error).__name__
        raise Refused(f"Checkpoint {path} cannot be read ({reason}); train again with --overwrite") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT or state.get("version") != VERSION:
        raise Refused(f"File {path} is not a {FORMAT} of version {VERSION}; train again with --overwrite")
    if wrong := (set(state) - _OPTIONAL) ^ _KEYS:
        keys = sorted(wrong, key=str)
        raise Refused(f"Checkpoint {path} has a wrong set of keys ({keys}); train again with --overwrite")
    for key, kind in _KINDS.items():
        if key in state and not isinstance(state[key], kind):
            wanted, found = kind.__name__, type(state[key]).__name__
            raise Refused(
                f"Checkpoint {path} has a {found} as its {key}, where a {wanted} belongs; train again with --overwrite"
            )
    for key in ("settings", "network", "versions", "history"):
        check_document(state[key], f"Key {key} of checkpoint {path}", "train again with --overwrite")
    _check_progress(path, state)
    if state["normalization"] != NORMALIZATION:
        raise Refused(
            f"Checkpoint {path} was trained on images normalized as {state['normalization']!r}, but the accelerator "
            f"takes raw bytes ({NORMALIZATION}, no mean, no deviation); train it again on {NORMALIZATION}"
        )
    return state


def _check_progress(path: Path, state: dict) -> None:
    """Refuse epochs and steps that do not fit the records of the epochs."""
    epochs = [record.get("epoch") if isinstance(record, dict) else None for record in state["history"]]
    if len(epochs) != state["epoch"] or epochs != list(range(1, len(epochs) + 1)) or state["step"] < 0:
        raise Refused(
            f"Checkpoint {path} has {len(epochs)} records, but epoch {state['epoch']} and step {state['step']}; train "
            "again with --overwrite"
        )


def digest(path: Path) -> str:
    """SHA-256 (hex) by which the checkpoint at ``path`` knows itself."""
    return Path(path).read_bytes()[-_DIGEST_BYTES:].hex()


def restore(state: dict) -> ResidualNet:
    """The network of a checkpoint, in evaluation mode; one that was fine-tuned rounds as it did then.

    Raises
    ------
    Refused
        If it is of a kind that is trained to be measured only.
    """
    settings = Settings.from_json(state["settings"])
    if not settings.model.residual:
        raise Refused(f"A network of kind {settings.model.network} is only trained; choose small or a ResNet for more")
    # Checkpoints of before there were rings do not say that there are none.
    network = Network.from_json({"rings": []} | state["network"])
    scales = settings.finetuning and settings.finetuning.scales
    model = trainable(network, settings.model, torch.Generator(), scales)
    take(model, state["model"], "The checkpoint")
    return model.eval()


def _form(tensor: Tensor) -> tuple:
    return tensor.dtype, tuple(tensor.shape), *([] if tensor.layout is torch.strided else [tensor.layout])


def take(model: nn.Module, values: dict, whose: str) -> None:
    """Give ``model`` the parameters and statistics ``values``, by name.

    Raises
    ------
    Refused
        If they are not those of such a network; ``whose`` they are, the sentence says first.
    """
    own = model.state_dict()
    for name in sorted({*own, *values}, key=str):
        if name not in own or name not in values:
            raise Refused(f"{whose} {'lacks' if name in own else 'has an unknown'} {name!r}; train again")
        mine, theirs = own[name], values[name]
        if not isinstance(theirs, Tensor) or _form(theirs) != _form(mine):
            shown = " ".join(map(str, _form(theirs))) if isinstance(theirs, Tensor) else type(theirs).__name__
            raise Refused(f"{whose} has {name!r} as {shown}, not {' '.join(map(str, _form(mine)))}; train again")
    model.load_state_dict(values)

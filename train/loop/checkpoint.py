"""Checkpoints: everything a run needs to go on as if it had never stopped, in one file that is whole or absent."""

import hashlib
import io
import pickle
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from spec.files import write_bytes
from spec.network import Network
from spec.refusal import Refused
from train.loop.settings import Settings
from train.nets.build import trainable
from train.nets.model import NORMALIZATION, ResidualNet

__all__ = ["FORMAT", "VERSION", "digest", "load", "restore", "save"]

FORMAT = "foldenite-checkpoint"
VERSION = 4

_KEYS = {
    "format", "version", "normalization", "settings", "network", "dataset_sha256", "versions",
    "epoch", "step", "loss", "history", "model", "optimizer", "scaler",
}
#: What not every checkpoint has: an average where there is one, what computed it if it was written since that is kept.
_SOME = {"average", "computed_by"}

_DIGEST_BYTES = 32


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
    if not path.is_file():
        raise Refused(f"Checkpoint {path} does not exist; write one with python -m train.fit")
    file = path.read_bytes()
    content, digest = file[:-_DIGEST_BYTES], file[-_DIGEST_BYTES:]
    if hashlib.sha256(content).digest() != digest:
        raise Refused(f"Checkpoint {path} is damaged or truncated (SHA-256 differs); train again with --overwrite")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
        reason = type(error).__name__
        raise Refused(f"Checkpoint {path} cannot be read ({reason}); train again with --overwrite") from None
    if not isinstance(state, dict) or state.get("format") != FORMAT or state.get("version") != VERSION:
        raise Refused(f"File {path} is not a {FORMAT} of version {VERSION}; train again with --overwrite")
    if wrong := (set(state) ^ _KEYS) - _SOME:
        raise Refused(f"Checkpoint {path} has a wrong set of keys ({sorted(wrong)}); train again with --overwrite")
    if state["normalization"] != NORMALIZATION:
        raise Refused(
            f"Checkpoint {path} was trained on images normalized as {state['normalization']!r}, but the accelerator "
            f"takes raw bytes ({NORMALIZATION}, no mean, no deviation); train it again on {NORMALIZATION}"
        )
    return state


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
    model.load_state_dict(state["model"])
    return model.eval()

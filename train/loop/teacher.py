"""A trained network that teaches another one: its outputs, softened, are targets beside the labels.

Ref: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (arXiv:1503.02531), section 2.
"""

from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from spec.refusal import Refused
from train.data import Dataset
from train.loop import checkpoint

__all__ = ["divergence", "taught_by"]


def divergence(logits: Tensor, taught: Tensor, temperature: float) -> Tensor:
    """``T**2 * KL(softmax(taught / T) || softmax(logits / T))``, the mean over a batch, of logits (B, classes).

    The square keeps gradients as large as those of labels, whatever the temperature.
    """
    mine, theirs = (functional.log_softmax(values / temperature, 1) for values in (logits, taught))
    return temperature**2 * functional.kl_div(mine, theirs, reduction="batchmean", log_target=True)


def taught_by(path: Path, dataset: Dataset) -> nn.Module:
    """The network of the checkpoint at ``path``, in evaluation mode, none of whose parameters is to be trained.

    Raises
    ------
    Refused
        If it was trained on other images than ``dataset``: it might have seen those that are held out now.
    """
    state = checkpoint.load(path)
    if state["dataset_sha256"] != dataset.digest:
        raise Refused(
            f"Teacher {path} was trained on other images than {dataset.name} now holds, and may have seen those that "
            "are held out; train it on the same"
        )
    return checkpoint.restore(state).requires_grad_(False)

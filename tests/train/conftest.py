"""A run small enough to repeat: a second of training per mode, shared by the tests of what comes after it."""

from pathlib import Path

import pytest
import torch

from spec.supermask import Mode
from train import checkpoint, fit
from train.data import load_dataset

TINY = ["--widths", "4,8", "--iterations", "0,2", "--batch", "64", "--epochs", "2"]


@pytest.fixture(autouse=True)
def one_thread():
    """Bits are reproducible on one thread only."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits():
    return load_dataset("digits", Path("nowhere"))


@pytest.fixture(scope="session")
def tiny():
    """Command line of the small run, without mode and folder."""
    return TINY


@pytest.fixture(scope="session", params=list(Mode))
def trained(request, tmp_path_factory):
    """Checkpoint file of a small run, in every mode."""
    out = tmp_path_factory.mktemp(request.param)
    assert fit.main([*TINY, "--mode", request.param, "--out", str(out)]) == 0
    return out / "checkpoint.pt"


@pytest.fixture(scope="session")
def state(trained):
    """What that checkpoint holds."""
    return checkpoint.load(trained)

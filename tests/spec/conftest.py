"""The model that files are written of: something of everything."""

import random
from collections.abc import Iterator

import pytest

from spec.block import Block, Stem
from spec.model import Model, save, with_provenance
from spec.network import Network
from spec.supermask import Mode
from spec.synthetic import synthetic_model

MODES = {
    "stem": Mode.ANY,
    "a.shortcut": Mode.AT_MOST_ONE,
    "a.conv1": Mode.ANY,
    "a.conv2": Mode.ONE_OF_FOUR,
    "f.conv1": Mode.TWO_OF_FOUR,
    "f.conv2": Mode.ONE_OF_FOUR,
    "classifier": Mode.ANY,
}
PROVENANCE = {"recipe": "synthetic", "rate": 1e-05, "by": "Ægir", "accuracy": {"float": 0.5}}


@pytest.fixture(scope="module")
def model() -> Model:
    """A projection shortcut, a recurrent block, all modes, padding bits in the packed stem (9 channels)."""
    network = Network("tiny", 7, (5, 6, 1), Stem(3, 1, 1, 8), (Block("a", 8, 2), Block("f", 8, 1, 3)), 3, 0.4, MODES)
    return with_provenance(synthetic_model(network, 1), **PROVENANCE)


@pytest.fixture
def path(model, tmp_path):
    return save(model, tmp_path / "m.safetensors")


@pytest.fixture
def flips():
    """``flips(content, seed)``: ``content`` with a bit of it flipped, at each of 100 places."""
    def flips(content: bytes, seed: int) -> Iterator[bytes]:
        rng = random.Random(seed)
        for position in rng.sample(range(len(content)), 100):
            flipped = bytearray(content)
            flipped[position] ^= 1 << rng.randrange(8)
            yield bytes(flipped)

    return flips

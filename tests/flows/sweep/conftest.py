"""Synthesis runs with counts that follow the area model's terms, and a small network."""

import json

import pytest

from gen.ecp5_parts import ECP5_PARTS, slices
from gen.ecp5_tools import requantizer_dsps
from spec.config import config_for
from spec.model import save
from spec.supermask import Mode
from spec.synthetic import synthetic_model
from spec.topologies import residual_network


@pytest.fixture(scope="session")
def network():
    """A folded network in mode 1of4."""
    return residual_network(
        "n", image=(6, 6, 1), classes=4, widths=(8, 16), iterations=(0, 2), mode=Mode.ONE_OF_FOUR
    )


@pytest.fixture(scope="session")
def invented():
    """``invented(config)``: counts of a build, by a rule that the area model can express."""
    dsp = ECP5_PARTS["85F"].dsp
    return lambda config: {
        "lut": 1000 + 40 * config.pe + 100 * config.rows + 2 * config.weight_rows * config.word_bytes,
        "ff": 500 + 20 * config.pe + 7 * config.word_bytes, "bram": 3 + slices(config),
        "dsp": 3 + config.requantizers * requantizer_dsps(config, dsp),
    }


@pytest.fixture
def runs(tmp_path, invented):
    """File of synthesis runs."""
    path = tmp_path / "runs.json"
    path.write_text(json.dumps({"runs": [
        {"config": config.to_json(), "resources": invented(config)}
        for config in (
            *map(config_for, (16, 32, 64, 128, 256, 1024)), config_for(64, groups=8, rows=8),
            config_for(64, groups=4, rows=16), config_for(256, groups=16, rows=16, weight_rows=2),
        )
    ]}))
    return path


@pytest.fixture
def model_file(tmp_path, network):
    """The network's model."""
    return save(synthetic_model(network, 0), tmp_path / "n.safetensors")
